// Small helpers. Text of others only ever becomes text nodes: the page has no innerHTML.

export const byId = (id) => document.getElementById(id);

/** An element with properties and children, also in arrays; null children are left out. */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key in node && key !== "role") node[key] = value;
    else node.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") node.append(child);
  return node;
}

/** Says something to a screen reader; the same text twice is said twice. */
export function announce(text) {
  const region = byId("announcer");
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/** A value of the browser's storage, which may be switched off. */
export const stored = {
  read(storage, key) {
    try { return window[storage].getItem(key) || ""; } catch { return ""; }
  },
  write(storage, key, value) {
    try {
      if (value) window[storage].setItem(key, value);
      else window[storage].removeItem(key);
    } catch { /* switched off or full: the value lasts until the page is closed */ }
  },
};
