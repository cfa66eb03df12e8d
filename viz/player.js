"use strict";
// The page's player: steps (arrow keys, buttons, #k=3 in the address), pan (drag) and zoom (wheel, + and -).
// Step 0 is the whole picture; from there each step uncovers one thing more.
const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.querySelector("#sheet svg");
const whole = svg.viewBox.baseVal, full = [whole.x, whole.y, whole.width, whole.height];
let view = full.slice(), at = 0;

const part = (role, box) => document.getElementById(data.prefix + "-" + role + "-" + box);
const sheet = document.getElementById("sheet");

function show(step) {
  at = Math.max(0, Math.min(step, data.steps.length));
  data.steps.forEach((s, k) => s.boxes.forEach(box => {
    const element = part(s.uncovers, box);
    if (element) element.style.opacity = at === 0 || k < at ? 1 : (s.uncovers === "box" ? 0.15 : 0);
  }));
  const covered = new Set((at === 0 ? [] : data.steps.slice(at)).filter(s => s.uncovers === "box").flatMap(s => s.boxes));
  data.arrows.forEach((target, k) => {
    const element = part("arrow", "a" + k);
    if (element) element.style.opacity = covered.has(target) ? 0.12 : 1;
  });
  document.querySelectorAll("[data-lit]").forEach(e => { e.removeAttribute("data-lit"); e.style.filter = ""; e.style.strokeWidth = ""; });
  const now = data.steps[at - 1];
  if (now) now.boxes.forEach(box => {
    const element = part("box", box), shape = element && element.querySelector("rect:last-of-type");
    if (shape) { shape.setAttribute("data-lit", ""); shape.style.strokeWidth = "4"; }
  });
  document.getElementById("count").textContent = at + " / " + data.steps.length;
  document.getElementById("said").textContent = now ? now.text : "";
  history.replaceState(null, "", "#k=" + at);
}

function look() { svg.setAttribute("viewBox", view.join(" ")); }

function zoom(factor, x, y) {
  const box = svg.getBoundingClientRect();
  const scale = Math.max(view[2] / box.width, view[3] / box.height);
  const cx = view[0] + view[2] / 2 + (x - box.left - box.width / 2) * scale;
  const cy = view[1] + view[3] / 2 + (y - box.top - box.height / 2) * scale;
  view = [cx + (view[0] - cx) * factor, cy + (view[1] - cy) * factor, view[2] * factor, view[3] * factor];
  look();
}

sheet.addEventListener("wheel", e => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.0012), e.clientX, e.clientY); }, { passive: false });
let from = null;
sheet.addEventListener("pointerdown", e => { from = [e.clientX, e.clientY]; sheet.setPointerCapture(e.pointerId); sheet.style.cursor = "grabbing"; });
sheet.addEventListener("pointerup", () => { from = null; sheet.style.cursor = ""; });
sheet.addEventListener("pointermove", e => {
  if (!from) return;
  const box = svg.getBoundingClientRect(), scale = Math.max(view[2] / box.width, view[3] / box.height);
  view[0] -= (e.clientX - from[0]) * scale; view[1] -= (e.clientY - from[1]) * scale;
  from = [e.clientX, e.clientY]; look();
});

function fit() { view = full.slice(); look(); }
const middle = () => { const b = svg.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; };
const on = (id, act) => document.getElementById(id).addEventListener("click", act);
on("back", () => show(at - 1)); on("next", () => show(at + 1)); on("all", () => show(0)); on("fit", fit);
document.addEventListener("keydown", e => {
  const act = { ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1), PageDown: () => show(at + 1), PageUp: () => show(at - 1),
    Home: () => show(0), End: () => show(data.steps.length), "0": fit, "+": () => zoom(0.8, ...middle()), "-": () => zoom(1.25, ...middle()) }[e.key];
  if (act && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); act(); }
});

svg.removeAttribute("width"); svg.removeAttribute("height");
const wish = /#k=(\d+)/.exec(location.hash);
show(wish ? Number(wish[1]) : 0);
