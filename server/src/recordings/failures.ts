import { type Blame, Failure } from "../failure.ts";

/**
 * Why a recording is not (yet) there or not whole: the closed list. A row of `recordings` keeps the code in `because`;
 * the words are here, so a better remedy reaches old rows too. docs/failures.md lists them.
 */
export const reasons = {
  RECORDING_NOT_CONSENTED: {
    blame: "caller",
    said: "Nobody agreed to this call being recorded.",
    remedy:
      "Nothing to do: the call went on unrecorded, as the agent's policy wants it. What was asked and answered is in the call's consents.",
  },
  RECORDING_NOT_WANTED: {
    blame: "operator",
    said: "This agent's calls are not recorded.",
    remedy: "Switch recording on in the agent's settings; it holds for later calls.",
  },
  RECORDING_NOT_ANNOUNCED: {
    blame: "carrier",
    said: "The carrier has not announced this recording.",
    remedy:
      "Check that the recording webhook reaches PUBLIC_URL (the call's events show each webhook). If it arrives late, the file is taken all the same.",
  },
  RECORDING_EMPTY: {
    blame: "carrier",
    said: "The carrier announced an empty recording: no address, or no bytes.",
    remedy:
      "Nothing can be fetched. It happens when the call ended as the recording began; for a longer call ask the carrier with the recording's id.",
  },
  RECORDING_REFUSED_HOST: {
    blame: "carrier",
    said: "The announced address is not one its source's files come from, so it was not fetched.",
    remedy:
      "Look at the stored webhook. If the address is right, allow its host in the carrier's settings and fetch again; if not, somebody else sent it. An engine's new host wants a new version.",
  },
  RECORDING_NOT_READY: {
    blame: "carrier",
    said: "The carrier announced the recording but does not have it yet.",
    remedy: "Nothing to do: it is asked for again with growing pauses.",
  },
  RECORDING_GONE: {
    blame: "carrier",
    said: "The carrier no longer has this recording.",
    remedy:
      "Vonage keeps recordings for 30 days. Check that fetching was not blocked that long, then fetch again by hand if the carrier's console still shows it.",
  },
  RECORDING_FORBIDDEN: {
    blame: "operator",
    said: "The carrier refused our credentials for this recording.",
    remedy:
      "Only the application that made the recording may read it: check VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY. It is tried again by itself.",
  },
  RECORDING_UNREACHABLE: {
    blame: "carrier",
    said: "The carrier could not be reached or answered with an error.",
    remedy: "Nothing to do: it is tried again with growing pauses, from where the transfer broke off.",
  },
  RECORDING_TRUNCATED: {
    blame: "carrier",
    said: "Fewer bytes came than the carrier announced.",
    remedy: "It is tried again. If it stays so, the carrier's file is damaged; the journal's recording is whole.",
  },
  RECORDING_OVERSIZED: {
    blame: "carrier",
    said: "More bytes came than the carrier announced, or than a recording may have.",
    remedy: "Look at the stored webhook and the address; fetch again by hand when they are right.",
  },
  RECORDING_WRONG_TYPE: {
    blame: "carrier",
    said: "What the carrier sent is not MP3, WAV or Ogg audio.",
    remedy:
      "It is tried again. Often this is a page of a proxy in between: check what the server's network puts in the way of the carrier.",
  },
  RECORDING_UNREADABLE: {
    blame: "carrier",
    said: "The file came whole but cannot be decoded.",
    remedy: "The file is kept as it came. Use the journal's recording, and send the file to the carrier's support.",
  },
  RECORDING_SHORT: {
    blame: "carrier",
    said: "The recording is shorter than the conversation was.",
    remedy: "The comparison says where it lacks sound. The call's other recording is played instead when it is whole.",
  },
  RECORDING_INCOMPLETE: {
    blame: "carrier",
    said: "Sound that the other recording of this call has is not in this one.",
    remedy: "The comparison says which side lacks what, from when to when. The other recording is played instead when it is whole.",
  },
  RECORDING_DISTORTED: {
    blame: "carrier",
    said: "This recording runs at another speed, has its sides exchanged, or is of another call.",
    remedy: "The comparison says which. The other recording is played instead; tell the carrier's support the recording's id.",
  },
  JOURNAL_INCOMPLETE: {
    blame: "us",
    said: "Sound that the carrier's recording has is not in ours.",
    remedy:
      "The comparison says where. A restart of the server, a broken audio connection or a disk that was full leaves such a gap; the call's events say which.",
  },
  RECONSTRUCTION_LATE: {
    blame: "engine",
    said: "The engine has not finished its recording of this call.",
    remedy: "Nothing to do: it is looked for again with growing pauses, for six hours. After that, try again by hand.",
  },
  RECONSTRUCTION_ABSENT: {
    blame: "operator",
    said: "The agent's policy wants the engine's recording, and there is none to ask for.",
    remedy:
      "Take `engine` out of the agent's recording sources, or give the agent an engine that makes recordings (EVI). Without a conversation there is none either.",
  },
  RECONSTRUCTION_NOT_KEPT: {
    blame: "operator",
    said: "The engine's account keeps no sound.",
    remedy: "Switch data retention on in the engine's account, or take `engine` out of the agent's recording sources.",
  },
  RECONSTRUCTION_FAILED: {
    blame: "engine",
    said: "The engine could not put its recording of this call together.",
    remedy:
      "The call's other recordings are independent of it. Try again by hand later, or ask the engine's support with the session's id.",
  },
  RECONSTRUCTION_FORBIDDEN: {
    blame: "operator",
    said: "The engine refused our key for its recording.",
    remedy:
      "Check the engine's key in the configuration: only the account that held the conversation may have it. It is tried again by itself.",
  },
  RECONSTRUCTION_UNREACHABLE: {
    blame: "engine",
    said: "The engine could not be reached or answered with an error.",
    remedy: "Nothing to do: it is tried again with growing pauses.",
  },
  RECORDING_TO_BE_REDACTED: {
    blame: "operator",
    said: "A stretch of this recording is not to be heard; none of it is played until a tone is in its place.",
    remedy:
      "Nothing to do: it takes moments once the recording has come. If it stays so, the waiting work (GET /api/waiting) and the server's log say why.",
  },
  RECORDING_WITHHELD: {
    blame: "operator",
    said: "A stretch of this recording is not to be heard, and the file cannot be decoded to take it out; so none of it is played.",
    remedy: "The call's other recordings have a tone in its place. The original is sealed or gone, as was asked.",
  },
  JOURNAL_ABSENT: {
    blame: "us",
    said: "This call left no journal, so our own recording cannot be made.",
    remedy:
      "The audio connection was never made, or the journal folder under DATA_DIR was lost or moved. When the journal is there again the recording is made within ten minutes. See the call's events.",
  },
  JOURNAL_EMPTY: {
    blame: "us",
    said: "This call's journal holds no sound.",
    remedy: "The audio connection was never made; the call's events say how far it came.",
  },
  JOURNAL_UNREADABLE: {
    blame: "us",
    said: "The call's journal could not be turned into a recording.",
    remedy: "The journal file is kept. The server's log has the reason; it is tried again after a restart.",
  },
  RECORDING_GIVEN_UP: {
    blame: "operator",
    said: "Somebody decided not to wait for this recording any longer.",
    remedy: "Try again by hand if it may be had after all.",
  },
  RECORDING_DELETED: {
    blame: "operator",
    said: "This recording was deleted, by rule or by request.",
    remedy: "The call's deletion receipt says when, by whom and what. It cannot be brought back.",
  },
  STORAGE_UNWRITABLE: {
    blame: "operator",
    said: "The storage did not take the file.",
    remedy:
      "Check that STORAGE_URL is mounted, free space and permissions there, and of `fetching` in DATA_DIR. What was fetched waits and is stored as soon as it can be.",
  },
  STORED_FILE_LOST: {
    blame: "operator",
    said: "The file is not in the storage any more.",
    remedy: "Restore it from a backup of STORAGE_URL; its SHA-256 is on the recording. Then run the audit again.",
  },
  STORED_FILE_ROTTEN: {
    blame: "operator",
    said: "The stored file is not the one that was stored: its SHA-256 differs.",
    remedy:
      "Restore it from a backup of STORAGE_URL, check the disk, and run the audit again. If all encrypted files say so, STORAGE_KEY is not the one they were stored with: set that one, and the audit takes them back.",
  },
} as const satisfies Record<string, { blame: Blame; said: string; remedy: string }>;

export type Reason = keyof typeof reasons;

/** The words for a `because` column, also for a code this version does not know. */
export function explain(because: string): { code: string; message: string; remedy: string } {
  const known = (reasons as Record<string, { said: string; remedy: string } | undefined>)[because];
  return known
    ? { code: because, message: known.said, remedy: known.remedy }
    : { code: because, message: "This recording failed for a reason this version does not know.", remedy: "Look at the call's events." };
}

/** A foreseen failure of a recording, thrown inside this room and kept on the row it spoiled. */
export class RecordingFailure extends Failure {
  readonly code: Reason;
  readonly blame: Blame;
  readonly status: number = 502;

  /** @param evidence what was seen, in one sentence; it goes to the log and the event. */
  constructor(code: Reason, evidence: string, cause?: unknown) {
    super(`${reasons[code].said} ${evidence}`.trim(), { remedy: reasons[code].remedy, cause });
    this.code = code;
    this.blame = reasons[code].blame;
  }
}

export class StoredFileLost extends RecordingFailure {
  override readonly status = 410;
  constructor(key: string, cause?: unknown) {
    super("STORED_FILE_LOST", `Key ${key}.`, cause);
  }
}

export class StorageUnwritable extends RecordingFailure {
  override readonly status = 507;
  constructor(place: string, cause?: unknown) {
    super("STORAGE_UNWRITABLE", `${place}: ${cause instanceof Error ? cause.message : "unknown error"}`, cause);
  }
}

/** Of a file nothing is known: the storage itself does not answer. Nothing is written on a recording for it. */
export class StorageUnreadable extends Failure {
  readonly code = "STORAGE_UNREADABLE";
  readonly blame = "operator";
  readonly status = 503;
  constructor(place: string, cause?: unknown) {
    super(`The storage cannot be read: ${place}: ${cause instanceof Error ? cause.message : "unknown error"}`, {
      remedy: "Check that STORAGE_URL can be reached, is mounted, and may be read by this server. What waits for it goes on by itself.",
      cause,
    });
  }
}

export class StorageUrlRefused extends Failure {
  readonly code = "STORAGE_URL_REFUSED";
  readonly blame = "operator";
  readonly status = 500;
  constructor(url: string, why: string) {
    super(`STORAGE_URL ${JSON.stringify(url.replace(/\/\/[^/@]*@/, "//***@"))} is not understood. ${why}`, {
      remedy: "Use file:/absolute/folder or s3://bucket/prefix?region=...&endpoint=https://...",
    });
  }
}

export class StorageKeyRefused extends Failure {
  readonly code = "STORAGE_KEY_REFUSED";
  readonly blame = "us";
  readonly status = 400;
  constructor(key: string) {
    super(`${JSON.stringify(key.slice(0, 80))} is not a storage key.`, {
      remedy: "Keys are made by recordingKey; nothing a person sends becomes one.",
    });
  }
}

/** An encrypted file does not open: another key, or changed bytes; the cipher does not tell which. */
export class StorageKeyWrong extends RecordingFailure {
  override readonly status = 500;
  constructor(key: string, chunk: number, cause?: unknown) {
    super(
      "STORED_FILE_ROTTEN",
      `${key} does not open at chunk ${chunk}: it was changed, or STORAGE_KEY is not the one it was stored with.`,
      cause,
    );
  }
}

export class RecordingUnknown extends Failure {
  readonly code = "RECORDING_UNKNOWN";
  readonly blame = "caller";
  readonly status = 404;
  constructor(id: string) {
    super(`There is no recording ${id.slice(0, 60)}.`, { remedy: "Take the id from the call's recordings." });
  }
}

export class NothingToDo extends Failure {
  readonly code = "RECORDING_NOTHING_TO_DO";
  readonly blame = "caller";
  readonly status = 409;
  constructor(status: string, why: string) {
    super(`The recording is ${status}: ${why}`, { remedy: "Look at its state and its reason; nothing was changed." });
  }
}
