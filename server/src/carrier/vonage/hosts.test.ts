import { expect, it } from "vitest";
import { hostRefusal } from "./hosts.ts";

const api = "https://api.nexmo.com";

it.each([
  "https://api.nexmo.com/v1/files/x",
  "https://api-us.nexmo.com/v1/files/x",
  "https://api-eu-3.vonage.com/v3/files/x",
  "https://vonage.com/",
])("our token may go to %s", (url) => {
  expect(hostRefusal(url, api)).toBeNull();
});

it.each([
  ["https://evilvonage.com/x", "neither"],
  ["https://vonage.com.evil.test/x", "neither"],
  ["https://api.nexmo.com@evil.test/x", "credentials"],
  ["https://user:pass@api.nexmo.com/x", "credentials"],
  ["https://evil.test/api.nexmo.com", "neither"],
  ["https://evil.test#.vonage.com", "neither"],
  ["https://evil.test\\.vonage.com/", "neither"],
  ["https://api.nexmo.com:8443/x", "neither"],
  ["http://api.nexmo.com/x", "not https"],
  ["ftp://api.nexmo.com/x", "not https"],
  ["file:///etc/passwd", "neither"],
  ["http://127.0.0.1:4001/x", "neither"],
  ["http://169.254.169.254/latest", "neither"],
  ["//api.nexmo.com/x", "not a URL"],
  ["", "not a URL"],
])("our token may not go to %s", (url, why) => {
  expect(hostRefusal(url, api)).toContain(why);
});

it("an emulator on this machine may be asked when it is the configured host, at its own port only", () => {
  expect(hostRefusal("http://127.0.0.1:4001/v1/files/x", "http://127.0.0.1:4001")).toBeNull();
  expect(hostRefusal("http://127.0.0.1:5432/", "http://127.0.0.1:4001")).toContain("neither");
  expect(hostRefusal("http://10.0.0.7:4001/x", "http://10.0.0.7:4001")).toContain("not https");
  expect(hostRefusal("https://phones.example.com:9000/x", "https://phones.example.com:9000")).toBeNull();
});
