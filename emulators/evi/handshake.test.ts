import { describe, expect, test } from "vitest";
import { readHandshake } from "./handshake.ts";

const read = (query: string, headers: Record<string, string> = {}) => readHandshake(new URL(`http://evi/v0/evi/chat?${query}`), headers);

describe("a chat is opened", () => {
  test("with bracketed settings, as the official package writes them", () => {
    expect(
      read(
        "api_key=k&config_id=c&config_version=3&verbose_transcription=true&resumed_chat_group_id=g&allow_connection=true&event_limit=50" +
          "&session_settings%5Baudio%5D%5Bencoding%5D=linear16&session_settings%5Baudio%5D%5Bsample_rate%5D=16000&session_settings%5Baudio%5D%5Bchannels%5D=1" +
          "&session_settings%5Bsystem_prompt%5D=%7BBe%20kind%7D&session_settings%5Bcustom_session_id%5D=call-7&session_settings%5Bvariables%5D%5Bname%5D=Guest" +
          "&session_settings%5Bcontext%5D%5Btext%5D=%5Burgent%5D&session_settings%5Bcontext%5D%5Btype%5D=persistent&fernSdkLanguage=JavaScript",
      ),
    ).toEqual({
      ok: true,
      opening: {
        apiKey: "k",
        accessToken: null,
        configId: "c",
        configVersion: 3,
        resumedChatGroupId: "g",
        verboseTranscription: true,
        allowConnection: true,
        eventLimit: 50,
        settings: {
          audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 },
          system_prompt: "{Be kind}",
          custom_session_id: "call-7",
          variables: { name: "Guest" },
          context: { text: "[urgent]", type: "persistent" },
        },
      },
    });
  });

  test.each([
    ["of the variables", `session_settings[variables]=${encodeURIComponent('{"name":"Guest","age":40,"vip":true}')}`],
    ["of all settings", `session_settings=${encodeURIComponent('{"variables":{"name":"Guest","age":40,"vip":true}}')}`],
  ])("with JSON %s", (_what, query) => {
    expect(read(query)).toMatchObject({ ok: true, opening: { settings: { variables: { name: "Guest", age: 40, vip: true } } } });
  });

  test("with the key in the header, which wins, or a token in either place", () => {
    expect(read("api_key=query", { "x-hume-api-key": "header" })).toMatchObject({ opening: { apiKey: "header" } });
    expect(read("access_token=t")).toMatchObject({ opening: { accessToken: "t", apiKey: null } });
    expect(read("", { authorization: "Bearer t" })).toMatchObject({ opening: { accessToken: "t" } });
  });

  test("with nothing: every default", () => {
    expect(read("")).toEqual({
      ok: true,
      opening: {
        apiKey: null,
        accessToken: null,
        configId: null,
        configVersion: null,
        resumedChatGroupId: null,
        verboseTranscription: false,
        allowConnection: false,
        eventLimit: null,
        settings: {},
      },
    });
  });

  test("but not with settings that make no sense", () => {
    expect(
      read("session_settings[audio][encoding]=mulaw&session_settings[audio][sample_rate]=8000&session_settings[audio][channels]=1"),
    ).toMatchObject({ ok: false });
    expect(read("session_settings[audio]=loud")).toMatchObject({ ok: false });
  });

  test("and a key that reaches for an object's nature reaches nothing", () => {
    expect(read("session_settings[__proto__][polluted]=1&session_settings[variables][constructor]=1")).toMatchObject({
      ok: true,
      opening: { settings: {} },
    });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
