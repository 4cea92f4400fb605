// The workspace's files: a list, the rows of a table, and adding files.
import { Failure, fileUrl, get, upload } from "./api";
import { announce, confirm, el, plural, size } from "./dom";
import { TableView, type Column } from "./table";

interface File_ {
  path: string;
  bytes: number;
}

const kTables = /\.(csv|tsv|json|ndjson|jsonl|parquet|xlsx|db|sqlite)(\.gz)?$/i;
const kMaxUpload = 64 * 2 ** 20;

/** `sales.csv` → `sales-2.csv`: the first name that is free. */
function freeName(name: string, taken: Set<string>): string {
  const dot = name.lastIndexOf(".");
  const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let n = 2; ; n++) if (!taken.has(`${stem}-${n}${end}`)) return `${stem}-${n}${end}`;
}

export class FilesView {
  private readonly list = el("ul", { class: "files" });
  private readonly shown = el("div", { class: "shown" });
  private readonly notes = el("div", { role: "status" });
  private files: File_[] = [];

  constructor(node: HTMLElement) {
    const pick = el("input", { type: "file", multiple: true, id: "pick", change: () => void this.add([...(pick.files ?? [])]).then(() => (pick.value = "")) });
    const drop = el("div", { class: "drop" }, el("label", { for: "pick" }, "Add files"), pick, el("span", { class: "quiet" }, "or drop them here. Nothing is ever written over."));
    node.append(el("h2", {}, "Files"), drop, this.notes, this.list, this.shown);
    for (const name of ["dragenter", "dragover"]) node.addEventListener(name, (event) => (event.preventDefault(), drop.classList.add("over")));
    node.addEventListener("dragleave", () => drop.classList.remove("over"));
    node.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      void this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }

  async show(): Promise<void> {
    try {
      const { files, more } = await get<{ files: File_[]; more: boolean }>("files");
      this.files = files;
      this.list.replaceChildren(
        ...files.map((file) =>
          el(
            "li",
            {},
            kTables.test(file.path) ? el("button", { type: "button", class: "link", click: () => void this.open(file.path) }, file.path) : el("span", {}, file.path),
            el("span", { class: "quiet" }, size(file.bytes)),
            el("a", { href: fileUrl(file.path), download: file.path.replace(/^.*\//, ""), "aria-label": `Download ${file.path}` }, "Download"),
          ),
        ),
      );
      if (files.length === 0) this.list.append(el("li", { class: "quiet" }, "There are no files yet. Add a table, such as a CSV file."));
      if (more) this.list.append(el("li", { class: "quiet" }, "There are more files than are listed here."));
    } catch (error) {
      this.note((error as Error).message);
    }
  }

  private note(text: string): void {
    this.notes.append(el("p", { class: "note" }, text));
  }

  private async open(path: string): Promise<void> {
    this.shown.replaceChildren(el("p", { class: "quiet" }, `Reading ${path} …`));
    try {
      const { profile, rows } = await get<{ profile: { rows: number; columns: Column[] }; rows: Record<string, unknown>[] }>(`table?path=${encodeURIComponent(path)}`);
      this.shown.replaceChildren(
        el("h3", { tabindex: -1 }, path),
        el("p", { class: "quiet" }, `${plural(profile.rows, "row")}, ${plural(profile.columns.length, "column")}. A column's name sorts by it.`),
        new TableView(path, profile.columns, profile.rows, rows).node,
      );
      this.shown.querySelector("h3")!.focus();
    } catch (error) {
      this.shown.replaceChildren(el("div", { class: "problem", role: "alert" }, el("h3", {}, `${path} cannot be shown`), el("p", {}, (error as Error).message)));
    }
  }

  private async add(files: File[]): Promise<void> {
    this.notes.replaceChildren();
    for (const file of files) {
      if (file.size > kMaxUpload) {
        this.note(`${file.name} is larger than ${size(kMaxUpload)}; copy it into the folder.`);
        continue;
      }
      let name: string | null = file.name;
      while (name !== null) {
        try {
          await upload(name, file);
          this.note(`${name} was added.`);
          announce(`${name} was added`);
          break;
        } catch (error) {
          if (!(error instanceof Failure) || error.status !== 409) {
            this.note((error as Error).message);
            break;
          }
          await this.show();
          const free: string = freeName(file.name, new Set([...this.files.map((one) => one.path), name]));
          name = (await confirm(`${name} is there already. Add the new one as ${free}?`, `Add as ${free}`, "Leave it out")) ? free : null;
        }
      }
    }
    await this.show();
  }
}
