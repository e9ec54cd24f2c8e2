// A short tour of the API with the generated client: node dist/tour.js GATEWAY LISTENER_TOKEN SONG_ID
import { musicClient, type Song } from "./client.js";

declare const process: { argv: string[] };

function check(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

const [gateway, token, songId] = process.argv.slice(2);
check(gateway && token && songId, "usage: tour.js GATEWAY LISTENER_TOKEN SONG_ID");
const anonymous = musicClient(gateway);
const listener = musicClient(gateway, token);
const params = { path: { song_id: songId } };

const songs = await anonymous.GET("/api/songs", { params: { query: { limit: 5 } } });
check(songs.data && songs.data.length > 0, "there are songs");
const song: Song | undefined = (await anonymous.GET("/api/songs/{song_id}", { params })).data;
check(song && song._id === songId && song.streamingUrls.high, "a song has its renditions");

const refused = await anonymous.POST("/api/songs/{song_id}/track/play", { params });
check(refused.error?.code === "sign_in_required", "a refusal is a problem document");

const me = await listener.GET("/api/auth/me");
check(me.data?.role === "user", "the listener is known");
const played = await listener.POST("/api/songs/{song_id}/track/play", { params });
check(played.data?.message === "Play tracked", "a play is tracked");
check((await listener.PUT("/api/songs/{song_id}/like", { params })).response.status === 204, "a like is stored");
const liked = await listener.GET("/api/songs/liked");
check(liked.data?.some((each) => each._id === songId), "the like is listed");

console.log("The tour with the generated client has passed");
