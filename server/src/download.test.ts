import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FileHost, openFile } from "./download.ts";

let server: Server;
let url: string;
let answer: RequestListener;
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const host: FileHost = {
  admit: () => {},
  unreachable: (_, error) => new Error(`unreachable: ${(error as Error).message}`),
  refused: async (_, { status }) => new Error(`refused: ${status}`),
};

it("a download that falls silent is given up, before its first word and in the middle", async () => {
  answer = () => {};
  await expect(openFile(url, 0, host, 50)).rejects.toThrow("unreachable: it fell silent");
  answer = (_, response) => response.write("half");
  const { body } = await openFile(url, 0, host, 1_000);
  const seen: string[] = [];
  const read = async () => {
    for await (const chunk of body) seen.push(Buffer.from(chunk).toString());
  };
  await expect(read()).rejects.toThrow("unreachable: it fell silent");
  expect(seen).toEqual(["half"]);
});
