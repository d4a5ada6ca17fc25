// The program: a text area, which becomes an editor where the server has one, and files that are
// opened or dropped. What is too large or no UTF-8 is not shown, but sent as it is.
import { byId, announce } from "./dom.js";
import { t } from "./i18n.js";

const LARGEST_SHOWN = 200_000; // bytes
const LARGEST_HIGHLIGHTED = 60_000; // characters; the editor colours all of the text at each key
//: Language of the worker -> grammar and indentation of the editor.
const GRAMMARS = {
  python: ["python", "python"], c: ["c", "clike"], cpp: ["cpp", "clike"], java: ["java", "clike"],
  javascript: ["javascript", "clike"], go: ["go", "clike"], rust: ["rust", "rust"],
};

export class Source {
  #editor = null;
  #language = "text";
  #base = document.body.dataset.editor;
  /** The file that is sent instead of the text: {name, bytes}, or null. */
  attachment = null;

  constructor() {
    this.area = byId("source");
    byId("attachment").querySelector("button").addEventListener("click", () => { this.detach(); this.area.focus(); });
  }

  get isEditor() { return this.#editor !== null; }

  get text() { return this.#editor ? this.#editor.value : this.area.value; }

  set text(value) {
    if (this.#editor) this.#editor.setOptions({ value, language: this.#grammar(value) });
    else this.area.value = value;
  }

  #grammar(text) { return text.length > LARGEST_HIGHLIGHTED ? "text" : this.#language; }

  /** Loads the editor in place of the text area, which stays if anything is missing. */
  async upgrade() {
    if (!this.#base) return;
    try {
      const [core, commands] = await Promise.all([
        import(`${this.#base}/index.js`), import(`${this.#base}/extensions/commands/index.js`), this.#style(`${this.#base}/layout.css`),
      ]);
      const { "Mod+Enter": submits, ...keys } = commands.defaultKeymap; // Ctrl+Enter is ours
      const [plain, text, focused] = [this.area, this.area.value, document.activeElement === this.area];
      const editor = core.createEditor(null, { value: text, language: "text", tabSize: 4, insertSpaces: true },
        commands.editorCommands(keys), commands.editHistory());
      editor.on("update", (value) => { // also after pasting a long text
        const language = this.#grammar(value);
        if (language !== editor.options.language) queueMicrotask(() => editor.setOptions({ language }));
      });
      editor.textarea.id = "source";
      editor.textarea.setAttribute("aria-describedby", plain.getAttribute("aria-describedby"));
      if (plain.value !== text) editor.setOptions({ value: plain.value });
      plain.replaceWith(editor.container);
      this.#editor = editor;
      this.area = editor.textarea;
      if (focused) editor.textarea.focus();
    } catch { /* the text area stays */ }
  }

  #style(address) {
    return new Promise((resolve, reject) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address, onload: resolve, onerror: reject });
      document.head.append(link);
    });
  }

  async language(name) {
    const [grammar, indentation] = GRAMMARS[name] ?? [];
    this.#language = "text";
    if (this.#editor && grammar) {
      try {
        await Promise.all([import(`${this.#base}/prism/languages/${grammar}.js`), import(`${this.#base}/languages/${indentation}.js`)]);
        this.#language = grammar;
      } catch { /* without colours */ }
    }
    this.#editor?.setOptions({ language: this.#grammar(this.text), insertSpaces: name !== "go" });
  }

  /** Takes a file: as text where it is short UTF-8, else as an attachment. */
  async take(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = null;
    if (bytes.length <= LARGEST_SHOWN) {
      try { text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); } catch { text = null; }
      if (text?.includes("\0") || text?.includes("\r") || text?.startsWith("\ufeff")) text = null; // a text area changes these
    }
    if (text === null) {
      this.attachment = { name: file.name, bytes };
      byId("attachment").firstElementChild.textContent = t("program.attached", { name: file.name, bytes: bytes.length });
    } else {
      this.detach();
      this.text = text;
    }
    byId("attachment").hidden = text !== null;
    byId("editor").hidden = text === null;
    announce(t("program.opened", { name: file.name }));
  }

  detach() {
    this.attachment = null;
    byId("attachment").hidden = true;
    byId("editor").hidden = false;
  }

  /** Fields of the submission; {} if there is nothing to submit. */
  fields() {
    if (this.attachment) return { bytes: this.attachment.bytes, fileName: this.attachment.name };
    return this.text.trim() ? { source: this.text } : {};
  }

  save(name) {
    const body = this.attachment ? this.attachment.bytes : this.text;
    const address = URL.createObjectURL(new Blob([body], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: address, download: this.attachment?.name ?? name }).click();
    URL.revokeObjectURL(address);
  }
}

/** Base64 of bytes, in pieces that a call can take as arguments. */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
