/**
 * An ordered list ([data-order]) of lists to choose from: buttons move a choice up or down. Without them the order is
 * changed by choosing anew.
 */
export function orderedLists(root) {
  for (const list of root.querySelectorAll("[data-order]")) {
    const places = [...list.querySelectorAll("select")];
    const swap = (from, to) => {
      const other = places[to];
      [places[from].value, other.value] = [other.value, places[from].value];
      for (const place of [places[from], other]) place.dispatchEvent(new Event("change", { bubbles: true }));
    };
    places.forEach((place, at) => {
      for (const [label, sign, step] of [[list.dataset.up, "↑", -1], [list.dataset.down, "↓", 1]]) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn btn-sm";
        button.textContent = sign;
        button.setAttribute("aria-label", `${label}: ${place.labels[0].textContent}`);
        button.disabled = !places[at + step];
        button.dataset.step = step;
        button.addEventListener("click", () => {
          swap(at, at + step);
          // The focus goes along with what was moved; at the end of the list only the other button is left.
          const row = places[at + step].parentElement;
          const same = row.querySelector(`[data-step="${step}"]`);
          (same.disabled ? row.querySelector("button:not(:disabled)") : same).focus();
        });
        place.parentElement.append(button);
      }
    });
  }
}
