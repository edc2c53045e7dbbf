// What a playbook would do is shown before it is run: in a dialog that is open while it holds something.
export function showPlans() {
  const dialog = document.querySelector<HTMLDialogElement>("#plan");
  if (!dialog) return;
  new MutationObserver(() => {
    if (!dialog.childElementCount) dialog.close();
    else if (!dialog.open) dialog.showModal();
  }).observe(dialog, { childList: true });
  dialog.addEventListener("close", () => dialog.replaceChildren());
}
