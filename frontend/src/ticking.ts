// Clocks and deadlines that run while one looks. The server's texts are right when they come; here
// they are kept right, by the server's time rather than this device's.
let ahead = 0;

function synchronise() {
  const said = document.documentElement.dataset["now"];
  if (said) ahead = Date.parse(said) - Date.now();
}

function length(milliseconds: number): string {
  const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

function tickDeadline(element: HTMLTimeElement, now: number) {
  const left = Date.parse(element.dateTime) - now;
  const text = (left < 0 ? element.dataset["over"] : element.dataset["left"]) ?? "{time}";
  element.textContent = text.replace("{time}", length(Math.abs(left)));
  element.classList.toggle("over", left < 0);
}

function tickClock(element: HTMLElement, now: number) {
  const started = Date.parse(element.dataset["started"] ?? "");
  const due = Date.parse(element.dataset["due"] ?? "");
  const share = due > started ? Math.min((now - started) / (due - started), 1) : 1;
  const fill = element.querySelector<HTMLElement>(".fill");
  if (fill) fill.style.width = `${share * 100}%`;
  const elapsed = element.querySelector("[data-elapsed]");
  if (elapsed) elapsed.textContent = length(now - started);
  if (now < due || element.dataset["state"] === "late") return;
  element.dataset["state"] = "late";
  const state = element.querySelector("[data-state-name]");
  if (state) state.textContent = element.dataset["late"] ?? "";
  const mark = element.querySelector(".state i");
  if (mark) mark.textContent = "!";
}

function tickLanes(element: HTMLElement, now: number) {
  const start = Date.parse(element.dataset["start"] ?? "");
  const until = Date.parse(element.dataset["until"] ?? "");
  const line = element.querySelector<HTMLElement>(".now");
  if (line) line.style.left = `${Math.min(Math.max((now - start) / (until - start), 0), 1) * 100}%`;
}

function tick() {
  const now = Date.now() + ahead;
  document.querySelectorAll<HTMLTimeElement>("time[data-due]").forEach((e) => tickDeadline(e, now));
  document.querySelectorAll<HTMLElement>("[data-running]").forEach((e) => tickClock(e, now));
  document.querySelectorAll<HTMLElement>("[data-lanes]").forEach((e) => tickLanes(e, now));
}

export function keepTicking() {
  synchronise();
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:after:swap", tick);
}
