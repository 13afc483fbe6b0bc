/** Every shape and table of the contract that the dashboard reads, in one place. */
export { Agent, type AgentNote, AgentSettings, EngineInfo, Interruption, LineRules, Patience } from "@earshot/contract/agent";
export { ApiKey, MadeApiKey } from "@earshot/contract/api-key";
export { Audit } from "@earshot/contract/audit";
export { Call, CallEvent, Direction, LiveChange, PlaceCall, page, Speaker, Utterance } from "@earshot/contract/call";
export { CallingLimits, CallingLimitsNow } from "@earshot/contract/calling-limits";
export { CarrierLimit, CarrierState, DoctorCheck, DoctorReport, Exchange, LineKept } from "@earshot/contract/carrier";
export { Consent, Deletable, Deletion, Hold, Keeping, KeepRule, Redaction } from "@earshot/contract/keeping";
export { JobQueue, Listener, MadeListener, Telling, TellingKind } from "@earshot/contract/listener";
export { OpeningHours, type Weekday } from "@earshot/contract/opening-hours";
export { type Permission, roleMay } from "@earshot/contract/permission";
export { Problem } from "@earshot/contract/problem";
export {
  type ComparisonFinding,
  Peaks,
  peakZooms,
  Recording,
  RecordingLink,
  RecordingSource,
  RecordingStatus,
} from "@earshot/contract/recording";
export { RecordingPolicy } from "@earshot/contract/recording-policy";
export { EmulatedNumber, Role, Session } from "@earshot/contract/session";
export { actions, CallStatus, EndReason, endReasons, may } from "@earshot/contract/status";
export { AgentTool, type HttpTool, httpMethods } from "@earshot/contract/tool";
export { InvitedUser, OpenSession, PasswordLink, User } from "@earshot/contract/user";
export { Waiting } from "@earshot/contract/waiting";
export { Webhook, WebhookVerdict } from "@earshot/contract/webhook";
