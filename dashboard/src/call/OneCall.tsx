import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { queries } from "../ask/queries.ts";
import { type Call, peakZooms, type Recording, type Redaction, type Utterance } from "../ask/shapes.ts";
import { isLive, otherNumber, talkMs } from "../calls/states.ts";
import { Trouble } from "../look/Trouble.tsx";
import { useMedia } from "../look/use-media.ts";
import { useNow } from "../look/use-now.ts";
import { useTitle } from "../look/use-title.ts";
import { Controls } from "../score/Controls.tsx";
import { roomFor } from "../score/geometry.ts";
import { Score } from "../score/Score.tsx";
import { useZoom } from "../score/use-zoom.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { asFile } from "./as-file.ts";
import { Facts } from "./Facts.tsx";
import { FeltWay } from "./FeltWay.tsx";
import { Head } from "./Head.tsx";
import { Keeping } from "./Keeping.tsx";
import { usePlayback } from "./playback.ts";
import { Redact } from "./Redact.tsx";
import { silence } from "./silence.ts";
import { inOrder } from "./spoken.ts";
import { between, type Stretch } from "./stretch.ts";
import { Timeline } from "./Timeline.tsx";
import { Transcript, TranscriptBone } from "./Transcript.tsx";
import { Broken, Foot, NoSound, Running, Undrawn } from "./UnderScore.tsx";
import { useFound, useLinkedMoment, useSteps } from "./ways.ts";

const none: readonly Utterance[] = [];
const noRedactions: readonly Redaction[] = [];

/** One call: its score on top, what was said and what happened below. */
export function OneCall({ call }: { call: Call }): ReactNode {
  useTitle(call.customer_name ?? phoneNumber(otherNumber(call)));
  const { t, q, side, source, recording: chosen } = useSearch({ from: "/inside/calls/$id" });
  const wide = useMedia("(min-width: 64rem)");
  const live = isLive(call);
  const now = useNow(call.status === "in_progress" ? 1000 : 0);
  const said = useQuery(queries.utterances(call.id));
  const utterances = useMemo(() => (said.data ? inOrder(said.data) : none), [said.data]);
  const recording = useChosen(call, source, chosen);
  const playable = recording.url !== null;
  const [near, setNear] = useState(false);
  const coarse = useQuery(queries.peaks(recording.id, recording.peaks_url));
  // Looked at closely, the drawing is made of the finest measurements there are.
  const fine = useQuery({
    ...queries.peaks(recording.id, recording.peaks_url && finest(recording.peaks_url)),
    enabled: near && recording.peaks_url !== null,
  });
  const peaks = near && fine.data ? fine : coarse;
  const sound = useMemo(
    () => (playable ? { peaks: peaks.data ?? null, offsetMs: recording.offset_ms ?? 0 } : null),
    [peaks.data, playable, recording.offset_ms],
  );
  // With no shape of the sound the sentences are drawn; without those either, the score would be empty and say nothing.
  const undrawn = coarse.isError && !coarse.data && !said.isPending && utterances.length === 0;
  const playback = usePlayback(recording);
  useLinkedMoment(playback, t);
  useFound(playback, utterances, t === undefined ? q : undefined);
  const onMoment = useCallback((ms: number) => playback.seek(ms), [playback]);
  const keeping = useQuery(queries.keeping(call.id));
  const transcriptDeleted = keeping.data?.deletions.some(({ what, done_at }) => done_at !== null && what.includes("transcript"));
  // The stretch being chosen for redaction; null while nobody redacts.
  const [stretch, setStretch] = useState<Stretch | null>(null);

  // The end of the call's time: the talk, the sound, or the last word, whichever is last.
  const talk = talkMs(call, now) ?? 0;
  const endMs = Math.max(talk, (recording.duration_ms ?? 0) + (recording.offset_ms ?? 0), utterances.at(-1)?.ended_ms ?? 0);
  const drawnMs = live ? roomFor(endMs) : endMs;
  // One drawn bar should be at least one measured peak: closer than that there is nothing more to see.
  const zoom = useZoom(drawnMs, coarse.data ? Math.max(2000, (coarse.data.duration_ms / FINEST) * 400) : 5000);
  useEffect(() => setNear(!zoom.isWhole), [zoom.isWhole]);
  const steps = useSteps(playback, zoom, utterances);
  const silent = !live && call.started_at === null;

  return (
    <main className={playable || live ? "pb-28 lg:pb-24" : "pb-24"}>
      <Head call={call} />
      {silent ? (
        <div className="border-b border-line" />
      ) : (
        <div
          data-score
          className="z-10 [@media(min-height:34rem)]:sticky [@media(min-height:34rem)]:top-0 border-y border-line bg-paper px-4 pt-4 pb-1 sm:px-6"
        >
          <div className="relative">
            <Score
              endMs={drawnMs}
              zoom={zoom}
              utterances={utterances}
              sound={sound}
              playback={playback}
              nowMs={live && call.started_at !== null ? talk : null}
              redacted={keeping.data?.redactions ?? noRedactions}
              choosing={stretch}
              onChoose={stretch === null ? null : setStretch}
            />
            {undrawn && (
              <Undrawn
                words={said.isError}
                busy={coarse.isFetching}
                onRetry={() => {
                  void coarse.refetch();
                  if (said.isError) void said.refetch();
                }}
              />
            )}
          </div>
          {live ? (
            <Foot>
              <Running call={call} />
            </Foot>
          ) : playable ? (
            <Foot>
              <Broken playback={playback} />
              <Controls playback={playback} steps={steps} zoom={zoom} lengthMs={endMs} download={recording.url && asFile(recording.url)} />
            </Foot>
          ) : (
            <NoSound recording={recording} />
          )}
        </div>
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript beside it is the caption, sentence by sentence */}
      <audio ref={playback.attach} src={recording.url ?? undefined} preload="metadata" className="hidden" />
      <div className="grid gap-x-12 px-4 pt-2 sm:px-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        {!wide && <NarrowFacts call={call} heard={recording} folded={live} onMoment={onMoment} />}
        <section aria-labelledby="transcript" className="@container min-w-0 max-lg:pt-4">
          <h2 id="transcript" className="sr-only">
            What was said
          </h2>
          {said.isPending ? (
            <TranscriptBone />
          ) : said.isError && !said.data ? (
            <Trouble error={said.error} onRetry={() => void said.refetch()} className="mt-4" />
          ) : utterances.length === 0 ? (
            <p className="py-6 text-soft">{silence(call, transcriptDeleted)}</p>
          ) : (
            <>
              {!live && <FeltWay utterances={utterances} onMoment={onMoment} />}
              <Transcript utterances={utterances} playback={playback} playable={playable} live={live} />
            </>
          )}
        </section>
        <aside className="min-w-0 lg:sticky lg:top-[17rem] lg:max-h-[calc(100dvh-17rem)] lg:self-start lg:overflow-y-auto lg:overscroll-contain lg:pb-8">
          {wide && <Facts call={call} heard={recording} narrow={false} onMoment={onMoment} />}
          <Timeline
            id={call.id}
            side={side ?? "events"}
            settled={!said.isPending}
            keeping={
              stretch === null ? (
                <Keeping
                  call={call}
                  onRedact={playable ? () => setStretch(between(playback.nowMs(), playback.nowMs() + 3000, endMs)) : null}
                />
              ) : (
                <Redact
                  call={call.id}
                  stretch={stretch}
                  endMs={endMs}
                  utterances={utterances}
                  playback={playback}
                  onStretch={setStretch}
                  onClose={() => setStretch(null)}
                />
              )
            }
          />
        </aside>
      </div>
    </main>
  );
}

/** The finest peaks there are, in points over the whole length; a short recording has fewer and needs no more. */
const FINEST = peakZooms.at(-1) ?? 2000;
const finest = (url: string): string => `${url}${url.includes("?") ? "&" : "?"}points=${FINEST}`;

/** The recording that is heard: the one the address asks for, if it plays, else the call's best. */
function useChosen(call: Call, source: Recording["source"] | undefined, id: string | undefined): Recording {
  const all = useQuery(queries.recordings(call.id));
  const played = all.data?.filter(({ url }) => url !== null) ?? [];
  return played.find((one) => one.id === id) ?? (source && played.find((one) => one.source === source)) ?? call.recording;
}

/** On a narrow page the facts come first, but a call that runs is read before it is looked up. */
const NarrowFacts = ({ folded, ...facts }: Omit<Parameters<typeof Facts>[0], "narrow"> & { folded: boolean }) =>
  folded ? (
    <details className="border-b border-line">
      <summary className="py-2 text-soft pointer-coarse:py-3">Facts</summary>
      <Facts {...facts} narrow />
    </details>
  ) : (
    <Facts {...facts} narrow />
  );
