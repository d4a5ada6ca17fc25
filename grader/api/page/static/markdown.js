// Statements: the part of Markdown that they use, as nodes. There is no way to HTML: tags stay
// text, and a link goes to http, https or mailto only.
import { el } from "./dom.js";

const INLINE = /(`+)([\s\S]+?)\1(?!`)|\$\$?([^$\n]+)\$\$?|\*\*([\s\S]+?)\*\*|__([^_]+?)__|\*([^*\s][^*]*?)\*|\b_([^_\s][^_]*?)_\b|(!?)\[([^\]]*)\]\(([^()\s]+)(?:\s+"[^"]*")?\)|\\([!-/:-@[-`{-~])/;
const DEEPEST = 8;

function inline(text, depth = 0) {
  const nodes = [];
  while (text) {
    const found = depth < DEEPEST ? INLINE.exec(text) : null;
    if (!found) { nodes.push(text); break; }
    nodes.push(text.slice(0, found.index));
    text = text.slice(found.index + found[0].length);
    const [whole, , code, math, strong, strong2, emphasis, emphasis2, image, label, target, escaped] = found;
    if (code !== undefined) nodes.push(el("code", {}, code.trim() || code));
    else if (math !== undefined) nodes.push(el("code", { className: "math" }, math.trim()));
    else if (strong ?? strong2) nodes.push(el("strong", {}, inline(strong ?? strong2, depth + 1)));
    else if (emphasis ?? emphasis2) nodes.push(el("em", {}, inline(emphasis ?? emphasis2, depth + 1)));
    else if (escaped !== undefined) nodes.push(escaped);
    else if (image) nodes.push(label);
    else if (safe(target)) nodes.push(el("a", { href: target, rel: "noopener noreferrer", target: "_blank" }, inline(label, depth + 1)));
    else nodes.push(whole);
  }
  return nodes;
}

function safe(target) {
  try { return ["http:", "https:", "mailto:"].includes(new URL(target).protocol); } catch { return false; }
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((each) => each.trim());
const isItem = (line) => /^\s{0,3}([-*+]|\d{1,9}[.)])\s+/.exec(line);
const isRule = (line) => /^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line);
const startsBlock = (line) => !line.trim() || /^\s{0,3}(#{1,6}\s|>|```|~~~)/.test(line) || isItem(line) || isRule(line);

/** The nodes of a statement. Headings start below those of the page. */
export function render(text, depth = 0) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const nodes = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const fence = /^\s{0,3}(```+|~~~+)/.exec(line);
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
    if (!line.trim()) { at += 1; continue; }
    if (fence) {
      const body = [];
      for (at += 1; at < lines.length && !lines[at].trim().startsWith(fence[1]); at += 1) body.push(lines[at]);
      at += 1;
      nodes.push(el("pre", { tabIndex: 0 }, el("code", {}, body.join("\n"))));
    } else if (/^( {4}|\t)/.test(line)) {
      const body = [];
      for (; at < lines.length && (/^( {4}|\t)/.test(lines[at]) || !lines[at].trim()); at += 1) body.push(lines[at].replace(/^( {4}|\t)/, ""));
      nodes.push(el("pre", { tabIndex: 0 }, el("code", {}, body.join("\n").trimEnd())));
    } else if (heading) {
      nodes.push(el(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2])));
      at += 1;
    } else if (isRule(line)) {
      nodes.push(el("hr"));
      at += 1;
    } else if (/^\s{0,3}>/.test(line) && depth < DEEPEST) {
      const body = [];
      for (; at < lines.length && /^\s{0,3}>/.test(lines[at]); at += 1) body.push(lines[at].replace(/^\s{0,3}> ?/, ""));
      nodes.push(el("blockquote", {}, render(body.join("\n"), depth + 1)));
    } else if (isItem(line) && depth < DEEPEST) {
      const ordered = /\d/.test(isItem(line)[1]);
      const list = el(ordered ? "ol" : "ul");
      if (ordered) list.start = parseInt(isItem(line)[1], 10);
      while (at < lines.length && isItem(lines[at]) && /\d/.test(isItem(lines[at])[1]) === ordered) {
        const body = [lines[at].slice(isItem(lines[at])[0].length)];
        for (at += 1; at < lines.length && (/^(\s{2,}|\t)\S/.test(lines[at]) || !startsBlock(lines[at])); at += 1) body.push(lines[at].replace(/^(\s{2,4}|\t)/, ""));
        while (at < lines.length && !lines[at].trim() && isItem(lines[at + 1] ?? "")) at += 1;
        const inner = render(body.join("\n"), depth + 1);
        list.append(el("li", {}, ...(inner[0]?.localName === "p" ? [...inner[0].childNodes, ...inner.slice(1)] : inner)));
      }
      nodes.push(list);
    } else if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1] ?? "") && lines[at + 1].includes("|")) {
      const head = el("tr", {}, cells(line).map((each) => el("th", { scope: "col" }, inline(each))));
      const body = el("tbody");
      for (at += 2; at < lines.length && lines[at].includes("|"); at += 1) body.append(el("tr", {}, cells(lines[at]).map((each) => el("td", {}, inline(each)))));
      nodes.push(el("table", {}, el("thead", {}, head), body));
    } else {
      const body = [line];
      for (at += 1; at < lines.length && !startsBlock(lines[at]); at += 1) body.push(lines[at]);
      nodes.push(el("p", {}, inline(body.join("\n").trim())));
    }
  }
  return nodes;
}
