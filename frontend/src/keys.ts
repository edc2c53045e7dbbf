// Keyboard shortcuts, and the Enter that ends a Korean syllable rather than a form.
const TYPING = "input, textarea, select, [contenteditable]";

function press(event: KeyboardEvent) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if ((event.target as Element).closest?.(TYPING)) return;
  // By the key's place as well: with a Korean layout on, the key `a` writes ㅁ.
  const key = event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.key;
  if (act(key)) event.preventDefault();
}

function act(key: string): boolean {
  const help = document.querySelector<HTMLDialogElement>("#help");
  if (key === "?") return Boolean(help && (help.open ? help.close() : help.showModal(), true));
  if (help?.open) return false;
  if (key === "/") return focus("[data-search]") || (location.assign("/incidents"), true);
  if (key === "n") return focus("[data-note]");
  const target = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  target?.click();
  return target !== null;
}

function focus(selector: string): boolean {
  const field = document.querySelector<HTMLElement>(selector);
  field?.focus();
  return field !== null;
}

export function listenToKeys() {
  document.addEventListener("keydown", press);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.isComposing && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
}
