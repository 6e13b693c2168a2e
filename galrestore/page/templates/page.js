"use strict";
// From 0 (LQ) by 100 (RS) to 200 (GT): the next image comes in from the left.
const NAMES = ["LQ", "RS", "GT"];

function show(galaxy, value) {
  const first = Math.min(1, Math.floor(value / 100));
  const cut = value - 100 * first;
  galaxy.querySelectorAll(".frame").forEach((frame, k) => {
    const right = k === first;
    frame.style.visibility = right || k === first + 1 ? "visible" : "hidden";
    frame.style.clipPath = right ? `inset(0 0 0 ${cut}%)` : `inset(0 ${100 - cut}% 0 0)`;
    frame.classList.toggle("right", right && cut > 0);
  });
  galaxy.querySelector(".frames").style.setProperty("--cut", cut % 100 ? `${cut}%` : "-9px");
  const input = galaxy.querySelector("input");
  input.value = value;
  const parts = [[NAMES[first + 1], cut], [NAMES[first], 100 - cut]].filter((part) => part[1] > 0);
  input.setAttribute("aria-valuetext", parts.map(([name, part]) => `${name} ${part}%`).join(", "));
}

function addSlider(galaxy) {
  const label = document.createElement("label");
  label.className = "slider";
  label.innerHTML = '<input type="range" min="0" max="200" step="5">'
    + '<span class="ticks" aria-hidden="true"><span>LQ</span><span>RS</span><span>GT</span></span>';
  const input = label.firstChild;
  input.setAttribute("aria-label", `LQ, RS, GT of ${galaxy.querySelector("figcaption").textContent}`);
  input.addEventListener("input", () => show(galaxy, Number(input.value)));
  galaxy.querySelector(".frames").after(label);
  show(galaxy, 50);
}

const galaxies = document.querySelectorAll(".galaxy");
galaxies.forEach(addSlider);
document.querySelectorAll(".all button").forEach((button) => button.addEventListener("click", () =>
  galaxies.forEach((galaxy) => show(galaxy, Number(button.dataset.at)))));
document.documentElement.classList.add("scripted");
