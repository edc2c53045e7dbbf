// htmx first: its extensions look for it as a global, which importing it sets.
import "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";

import { watchConnection } from "./connection";
import { offerCopies } from "./copy";
import { listenToKeys } from "./keys";
import { showPlans } from "./plan";
import { keepTicking } from "./ticking";

document.documentElement.classList.add("js");
keepTicking();
watchConnection();
listenToKeys();
offerCopies();
showPlans();

// A menu closes when something is chosen or when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.overflow[open]")) {
    if (!menu.contains(event.target as Node)) menu.open = false;
  }
});

document.addEventListener("htmx:after:request", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  form.closest<HTMLDetailsElement>("details.overflow")?.removeAttribute("open");
  const detail = (event as CustomEvent<{ ctx?: { response?: { raw?: Response; status?: number } } }>).detail;
  const status = detail.ctx?.response?.status ?? detail.ctx?.response?.raw?.status ?? 0;
  if (form.matches("[data-clear]") && status >= 200 && status < 300) form.reset();
});

// The link to the declaring form opens it, too.
function openDeclaration() {
  const target = location.hash === "#declare" ? document.querySelector<HTMLDetailsElement>("#declare") : null;
  if (!target) return;
  target.open = true;
  target.querySelector<HTMLInputElement>("input[name=title]")?.focus();
}
addEventListener("hashchange", openDeclaration);
document.querySelector(".declare-link")?.addEventListener("click", () => setTimeout(openDeclaration));
openDeclaration();

// What was said about an action disappears by itself; a refusal stays until the next one.
const said = document.querySelector("#said");
if (said) {
  let timer = 0;
  new MutationObserver(() => {
    clearTimeout(timer);
    if (said.querySelector(":not(.error)")) timer = setTimeout(() => said.replaceChildren(), 6000);
  }).observe(said, { childList: true });
}

// New lines of the timeline are marked for a moment.
const timeline = document.querySelector("#timeline");
if (timeline) {
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) {
      if (node instanceof HTMLElement && node === timeline.firstElementChild) node.classList.add("fresh");
    }
  }).observe(timeline, { childList: true });
}
