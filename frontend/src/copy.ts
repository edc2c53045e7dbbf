// Buttons that copy a command. Without a script they are hidden: they could do nothing.
function reveal(root: ParentNode) {
  for (const button of root.querySelectorAll<HTMLButtonElement>("button[data-copy][hidden]")) button.hidden = false;
}

async function copy(button: HTMLButtonElement) {
  const text = button.dataset["copy"] ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyOld(text);
  }
  const label = button.textContent;
  button.textContent = button.dataset["done"] ?? "";
  setTimeout(() => { button.textContent = label; }, 2000);
}

// The clipboard is only for https and localhost; a console on an internal address has neither.
function copyOld(text: string) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function offerCopies() {
  reveal(document);
  document.addEventListener("htmx:after:swap", () => reveal(document));
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-copy]");
    if (button) void copy(button);
  });
}
