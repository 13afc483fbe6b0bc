import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { replayJournal } from "../bridge/replay.ts";
import type { CallId } from "../ids.ts";
import { journalPath } from "../journal/file.ts";
import { type Command, exits, Misasked } from "./command.ts";

export const replay: Command = {
  name: "replay",
  takes: "CALL|FILE",
  said: "Play a call's journal through the bridge again, and show what would be otherwise today",
  more: "CALL is the call's id, FILE a journal that somebody sent. Nothing is called, nothing is written.",
  async run(args, { terminal, config, cwd }) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [which, ...others] = positionals;
    if (which === undefined || others.length > 0) throw new Misasked("replay takes a call's id or a journal's file");
    const isCall = z.uuid().safeParse(which).success;
    const path = isCall ? journalPath(join(config().dataDir, "journal"), which.toLowerCase() as CallId) : resolve(cwd, which);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (!there && isCall) throw new Misasked(`${path} is not there: the call was never connected here, or its journal was deleted by rule`);
    if (!there) throw new Misasked(`${which} is neither a call's id nor a file that is there (${path})`);
    const { bridges, inputs, decisions, utterances, clears, damagedBytes, differences } = await replayJournal(path);
    if (bridges === 0 && inputs === 0) {
      terminal.tell(`${path} holds nothing of a call that can be played: ${damagedBytes} bytes of it could not be read. Is it a journal?`);
      return exits.wrong;
    }
    for (const { atMs, heard, recorded, replayed } of differences) {
      terminal.say(`${new Date(atMs).toISOString()}  ${heard}`);
      terminal.say(`  then   ${recorded}`);
      terminal.say(`  now    ${replayed}`);
    }
    const damaged = damagedBytes === 0 ? "" : ` ${damagedBytes} bytes could not be read.`;
    const counted = `${bridges} ${bridges === 1 ? "bridge" : "bridges"}, ${inputs} inputs, ${decisions} decisions, ${utterances} utterances, ${clears} clears`;
    terminal.say(`${counted}: ${differences.length === 0 ? "all as they were" : `${differences.length} differences`}.${damaged}`);
    return differences.length === 0 ? exits.good : exits.wrong;
  },
};
