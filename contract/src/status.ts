import { z } from "zod";

/** The life of a call, in the only direction it moves (design: "Call status"). */
export const callStatuses = ["queued", "dialing", "ringing", "in_progress", "ended"] as const;
export const CallStatus = z.enum(callStatuses);
export type CallStatus = z.infer<typeof CallStatus>;

/** Which status may follow which. Whatever is not in this table moves nothing: it is kept as an event. */
export const leadsTo = {
  queued: ["dialing", "ringing", "in_progress", "ended"],
  dialing: ["ringing", "in_progress", "ended"],
  ringing: ["in_progress", "ended"],
  in_progress: ["ended"],
  ended: [],
} as const satisfies Record<CallStatus, readonly CallStatus[]>;

/** May a call in status `from` go to status `to`? */
export const canBecome = (from: CallStatus, to: CallStatus): boolean => (leadsTo[from] as readonly CallStatus[]).includes(to);

/** What a person may do with a call, and in which statuses. Route, button and disabled reason read this one table. */
export const actions = {
  hang_up: ["queued", "dialing", "ringing", "in_progress"],
  listen: ["in_progress"],
  transfer: ["in_progress"],
  send_keys: ["in_progress"],
  mute: ["in_progress"],
  whisper: ["in_progress"],
} as const satisfies Record<string, readonly CallStatus[]>;
export type CallAction = keyof typeof actions;

/** Is `action` possible while the call is in `status`? */
export const may = (action: CallAction, status: CallStatus): boolean => (actions[action] as readonly CallStatus[]).includes(status);

/**
 * Why a call ended: the closed list. `said` is what the dashboard shows, `line` what the documents say.
 * `quiet` reasons are the ordinary ends; the others want a look.
 */
export const endReasons = {
  caller_hung_up: { said: "Caller hung up", line: "The person on the phone ended an answered call.", quiet: true },
  agent_hung_up: { said: "Agent hung up", line: "The agent ended an answered call, with its goodbye played out.", quiet: true },
  operator_hung_up: { said: "Ended by operator", line: "Someone pressed Hang up, or a program asked for it.", quiet: true },
  transferred: { said: "Transferred", line: "The caller was connected to a human and our part ended.", quiet: true },
  voicemail: { said: "Voicemail", line: "A machine answered and the agent's rule ended the call.", quiet: true },
  outside_hours: {
    said: "Outside hours",
    line: "It came in outside the opening hours and met a sentence instead of an agent.",
    quiet: true,
  },
  time_limit: { said: "Time limit", line: "The longest allowed call length was reached.", quiet: false },
  silence: { said: "Silence", line: "Nobody spoke for as long as the agent's rule allows.", quiet: true },
  busy: { said: "Busy", line: "The callee's line was busy.", quiet: true },
  no_answer: { said: "No answer", line: "It rang and nobody picked up.", quiet: true },
  declined: { said: "Declined", line: "The callee refused the call.", quiet: true },
  cancelled: { said: "Cancelled", line: "The call was given up before anyone answered.", quiet: true },
  invalid_number: { said: "Invalid number", line: "The carrier says no such number exists.", quiet: false },
  unreachable: { said: "Unreachable", line: "The number is out of service or cannot be routed.", quiet: false },
  restricted: { said: "Blocked by carrier", line: "The carrier or the account does not allow calls to this number.", quiet: false },
  carrier_refused: { said: "Carrier refused", line: "The carrier refused our request to dial; the event has its answer.", quiet: false },
  carrier_failed: { said: "Carrier failed", line: "The carrier reported an error of its own.", quiet: false },
  engine_failed: { said: "Engine failed", line: "The speech engine was lost and could not be resumed.", quiet: false },
  media_failed: { said: "Audio lost", line: "The audio connection could not be made or was lost and not restored.", quiet: false },
  turned_away: {
    said: "Turned away",
    line: "It came in while the server was being stopped and no other one took calls; the caller heard an apology.",
    quiet: false,
  },
  not_dialed: { said: "Not dialed", line: "The call was never sent to the carrier (a limit, or the server stopped first).", quiet: false },
  lost: { said: "Lost", line: "No word of the end arrived before the deadline; the events hold the evidence.", quiet: false },
} as const;
export type EndReason = keyof typeof endReasons;
export const endReasonNames = Object.keys(endReasons) as [EndReason, ...EndReason[]];
export const EndReason = z.enum(endReasonNames);
