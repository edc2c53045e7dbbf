// Says when what one sees may be old, and when it is up to date again.
const BACK_FOR = 4000;

function show(box: HTMLElement, text: string | undefined, back: boolean) {
  box.textContent = text ?? "";
  box.classList.toggle("back", back);
  box.hidden = false;
}

export function watchConnection() {
  const box = document.querySelector<HTMLElement>("#connection");
  if (!box) return;
  let lost = false;
  let wait = 0;
  const lose = () => {
    lost = true;
    clearTimeout(wait);
    // A stream ends now and then by itself and is back within the second: that is nobody's concern.
    wait = setTimeout(() => lost && show(box, box.dataset["lost"], false), 2500);
  };
  const find = () => {
    clearTimeout(wait);
    if (lost && !box.hidden) {
      show(box, box.dataset["back"], true);
      setTimeout(() => { if (!lost) box.hidden = true; }, BACK_FOR);
    }
    lost = false;
  };
  document.addEventListener("htmx:sse:error", lose);
  document.addEventListener("htmx:sse:before:connection", (event) => {
    const { connection } = (event as CustomEvent<{ connection: { attempt: number } }>).detail;
    if (connection.attempt > 0 && !document.hidden) lose();
  });
  document.addEventListener("htmx:sse:after:connection", find);
  addEventListener("offline", () => { lost = true; show(box, box.dataset["lost"], false); });
}
