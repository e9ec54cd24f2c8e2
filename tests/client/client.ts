// A client of the whole API, with types generated from docs/openapi.json.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

export type Song = components["schemas"]["SongOut"];

export function musicClient(gateway: string, token?: string) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return createClient<paths>({ baseUrl: gateway, headers });
}
