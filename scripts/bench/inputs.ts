/** Folders that benches work on: the same on every machine. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FOLDERS = 100;
const FILES_PER_FOLDER = 100;

/** Makes 10,000 files, and tells how many bytes they hold. */
export function makeTenThousandFiles(path: string): Promise<number> {
  return makeFiles(path, FOLDERS);
}

/** Makes 50,000 files, and tells how many bytes they hold. */
export function makeFiftyThousandFiles(path: string): Promise<number> {
  return makeFiles(path, 5 * FOLDERS);
}

async function makeFiles(path: string, folders: number): Promise<number> {
  let total = 0;
  for (let folder = 0; folder < folders; folder++) {
    const parent = join(path, `folder-${folder}`);
    await mkdir(parent, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      // Mostly small, as sources are: 1 to 8 KiB, and every hundredth a hundred.
      const size = file === 0 ? 102_400 : 1024 * (1 + ((folder + file) % 8));
      await writeFile(join(parent, `file-${file}.txt`), Buffer.alloc(size, `${folder}/${file} `));
      total += size;
    }
  }
  return total;
}
