// The submissions of this browser that no worker has taken: the list of the API has only the others.
import { stored } from "./dom.js";

const MOST = 10; // each is asked for when the history is shown

export class Pending {
  #key;

  /** @param owner Whose they are: several people may use a browser. */
  constructor(owner) { this.#key = `grading.pending.${owner}`; }

  /** Their ids, the newest first. */
  get ids() { return stored.read("localStorage", this.#key).split(" ").filter(Boolean); }

  add(id) { this.#keep([id, ...this.ids.filter((each) => each !== id)].slice(0, MOST)); }

  remove(id) { this.#keep(this.ids.filter((each) => each !== id)); }

  #keep(ids) { stored.write("localStorage", this.#key, ids.join(" ")); }
}
