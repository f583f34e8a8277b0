/**
 * `cofferdam completion`: scripts for shells, made from the tree of commands itself.
 *
 * @module
 */
import type { Command, Option } from "commander";

/** One place of the command line, and what may follow there. */
interface Place {
  /** The commands up to it, for instance `policy check`; empty for the beginning. */
  readonly path: string;
  readonly commands: readonly string[];
  readonly flags: readonly string[];
}

/** The script of a shell. */
export function completion(shell: "bash" | "zsh" | "fish", program: Command): string {
  const places = placesOf(program, []);
  return shell === "bash" ? bash(places) : shell === "zsh" ? zsh(places) : fish(program, []);
}

/** Without what is for this program itself. */
function shownOf(command: Command): { readonly commands: readonly Command[]; readonly options: readonly Option[] } {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((each) => command.commands.includes(each));
  return { commands, options: command.options.filter(({ hidden }) => !hidden) };
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  const { commands, options } = shownOf(command);
  const flags = options.flatMap(({ long, short }) => [long, short]).filter((flag) => flag !== undefined);
  const own: Place = {
    path: path.join(" "),
    commands: commands.map((each) => each.name()),
    flags: [...flags, "--help"],
  };
  return [own, ...commands.flatMap((each) => placesOf(each, [...path, each.name()]))];
}

/** A `case` over the commands typed so far. Names are this program's own: letters and dashes. */
function cases(places: readonly Place[]): string {
  return places
    .map(({ path, commands, flags }) => `    "${path}") words="${[...commands, ...flags].join(" ")}" ;;`)
    .join("\n");
}

function bash(places: readonly Place[]): string {
  return `_cofferdam() {
  local current=\${COMP_WORDS[COMP_CWORD]} path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -- ]] && { COMPREPLY=(); return; }
    [[ $word == -* ]] && continue
    case " ${commandsOf(places)} " in *" \${path:+$path }$word "*) path=\${path:+$path }$word ;; esac
  done
  case "$path" in
${cases(places)}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _cofferdam cofferdam
`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef cofferdam
_cofferdam() {
  local path_so_far="" words_here="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -- ]] && { _normal; return; }
    [[ $word == -* ]] && continue
    case "|${places.map(({ path }) => path).join("|")}|" in
      *"|\${path_so_far:+$path_so_far }$word|"*) path_so_far="\${path_so_far:+$path_so_far }$word" ;;
    esac
  done
  case "$path_so_far" in
${cases(places).replaceAll("words=", "words_here=")}
  esac
  compadd -- \${=words_here}
  _files
}
compdef _cofferdam cofferdam
`;
}

function fish(command: Command, path: readonly string[]): string {
  const { commands, options } = shownOf(command);
  // Every word of the path, for there is more than one `show`; and no command below was typed yet.
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below =
    commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.map((each) => each.name()).join(" ")}`];
  const here = [...seen, ...below].join("; and ") || "true";
  const lines = [
    ...commands.map((each) => {
      return `complete -c cofferdam -n "${here}" -a ${each.name()} -d ${quoted(each.summary() || each.description())}`;
    }),
    ...options.map(({ long, short, description }) => {
      const flags = [long && `-l ${long.slice(2)}`, short && `-s ${short.slice(1)}`].filter(Boolean).join(" ");
      return `complete -c cofferdam -n "${here}" ${flags} -d ${quoted(description)}`;
    }),
  ];
  const further = commands.map((each) => fish(each, [...path, each.name()]));
  return `${commands.length > 0 && path.length === 0 ? "complete -c cofferdam -f\n" : ""}${lines.join("\n")}\n${further.join("")}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}

function commandsOf(places: readonly Place[]): string {
  return places.map(({ path }) => path).join(" ");
}
