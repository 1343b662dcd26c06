/** Escape closes what is unfolded around the focus, and gives the focus back to what unfolded it; so does a press elsewhere, for menus. */
export function closeUnfolded(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const details = root.activeElement?.closest("details[open]");
    if (!details) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  root.addEventListener("click", (event) => {
    for (const menu of root.querySelectorAll(".tabbar details[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
}
