import { Link } from "@tanstack/react-router";
import type { Recording } from "../ask/shapes.ts";
import { inMoments } from "../words/text.ts";
import { type Flaw, type Part, type Track, tracksOf } from "./compared.ts";

/** What the comparison of two recordings found: drawn, and in a sentence. Its moments are gone to by `onMoment` (ms on the call's clock). */
export function Compared({
  comparison,
  recordings,
  onMoment,
}: {
  comparison: NonNullable<Recording["comparison"]>;
  recordings: readonly Recording[];
  onMoment: (ms: number) => void;
}) {
  const tracks = tracksOf(recordings, comparison.findings);
  return (
    <div className="mt-2">
      {comparison.verdict === "differ" ? (
        <p className="text-small font-strong text-look">The two differ</p>
      ) : (
        <p className="text-small font-strong">The two compared</p>
      )}
      {tracks && <Tracks tracks={tracks} onMoment={onMoment} />}
      <p className="text-small text-soft">
        {inMoments(comparison.said).map((piece, i) =>
          typeof piece === "string" ? (
            piece
          ) : (
            <Link
              // biome-ignore lint/suspicious/noArrayIndexKey: a moment may be named twice
              key={i}
              from="/calls/$id"
              to="."
              search={(old: object) => ({ ...old, t: String(piece.seconds) })}
              replace
              resetScroll={false}
              onClick={() => onMoment(piece.seconds * 1000)}
              className="reach tabular text-ink underline decoration-edge underline-offset-2 hover:decoration-ink"
            >
              {piece.said}
            </Link>
          ),
        )}
      </p>
    </div>
  );
}

const names = { carrier: "Carrier's", journal: "Ours" } as const;
const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
const placed = ({ from, to }: Part) => ({ left: percent(from), width: percent(to - from) });

/** One line for each recording, the caller over the agent as in the score; the sentence below says the same to who cannot see it. */
const Tracks = ({ tracks, onMoment }: { tracks: readonly Track[]; onMoment: (ms: number) => void }) => (
  <div aria-hidden="true" className="my-1.5 flex flex-col gap-1.5">
    {tracks.map((track) => (
      <div key={track.source} className="grid grid-cols-[3.5rem_minmax(0,1fr)] items-center text-small leading-4 text-soft">
        {names[track.source]}
        {/* A time axis runs one way in every script. */}
        <div dir="ltr" className="relative h-3">
          <span style={placed(track)} className="absolute top-0 h-[5px] rounded-[1px] bg-caller" />
          <span style={placed(track)} className="absolute bottom-0 h-[5px] rounded-[1px] bg-agent" />
          {track.flaws.map((flaw, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: findings have no other name, and never change their order
            <Shown key={i} flaw={flaw} onMoment={onMoment} />
          ))}
        </div>
      </div>
    ))}
  </div>
);

const lanes = { caller: "top-0 h-[6px]", agent: "bottom-0 h-[6px]", both: "inset-y-0" } as const;

/** A hole is where the sound is missing: striped, as in the score; a mark stands over what wants a look. A press goes there. */
function Shown({ flaw, onMoment }: { flaw: Flaw; onMoment: (ms: number) => void }) {
  const { atMs } = flaw;
  if (atMs === null) return <span style={placed(flaw)} title={flaw.said} className="absolute -bottom-1 h-0.5 bg-look" />;
  const look =
    flaw.drawn === "hole" ? `${lanes[flaw.side]} bg-paper hatched outline-1 outline-look` : "-inset-y-0.5 bg-look ring-2 ring-paper";
  return (
    <button
      type="button"
      tabIndex={-1}
      title={flaw.said}
      style={placed(flaw)}
      onClick={() => onMoment(atMs)}
      className={`absolute ${look}`}
    />
  );
}
