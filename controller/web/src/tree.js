/**
 * The tree of targets: a ticked area covers everything below it, so what lies below is shown ticked and
 * cannot be ticked again. Rows carry data-path, the ids from the root joined by "/".
 */
export function targetTree(root) {
  for (const tree of root.querySelectorAll("[data-tree]")) {
    const boxes = [...tree.querySelectorAll("input[data-path]")];
    const own = new Map(boxes.map((box) => [box, box.checked]));

    const show = () => {
      const covering = boxes.filter((box) => own.get(box)).map((box) => `${box.dataset.path}/`);
      for (const box of boxes) {
        const covered = covering.some((path) => box.dataset.path.startsWith(path));
        box.disabled = covered;
        box.checked = covered || own.get(box);
        const below = `${box.dataset.path}/`;
        box.indeterminate = !box.checked && boxes.some((other) => own.get(other) && other.dataset.path.startsWith(below));
      }
    };

    tree.addEventListener("change", (event) => {
      if (!own.has(event.target)) return;
      own.set(event.target, event.target.checked);
      show();
    });
    show();
  }
}
