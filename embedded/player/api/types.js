/**
 * The shapes of the API, as its OpenAPI description gives them. Times are ISO 8601 in UTC, ids 24 hexadecimal
 * characters, durations whole seconds.
 *
 * @typedef {'user' | 'artist' | 'admin'} Role
 * @typedef {'low' | 'medium' | 'high'} Quality 64, 128 and 320 kbps
 * @typedef {'play' | 'complete' | 'skip'} Interaction
 * @typedef {'users' | 'songs' | 'albums'} AuditedKind
 *
 * @typedef {object} Profile What everybody may see of a user.
 * @property {string} _id
 * @property {string} fullName
 * @property {string} imageUrl
 * @property {Role} role
 * @property {string} createdAt
 *
 * @typedef {object} PrivateProfile What only the user and admins see.
 * @property {string} clerkId
 * @property {string} email
 * @property {boolean} isBlocked
 * @property {string} updatedAt
 *
 * @typedef {Profile & PrivateProfile} User
 *
 * @typedef {object} Song
 * @property {string} _id
 * @property {string} title
 * @property {string} artistId
 * @property {string} artistName
 * @property {string} imageUrl
 * @property {string} audioUrl
 * @property {Record<Quality, string>} streamingUrls
 * @property {number} duration
 * @property {string | null} albumId
 * @property {boolean} isPublic
 * @property {boolean} isVisible
 * @property {string} createdAt
 * @property {string} updatedAt
 * @property {string} [genre]
 * @property {string} [mood]
 *
 * @typedef {object} Album An artist's album, or a playlist: the API makes no difference.
 * @property {string} _id
 * @property {string} title
 * @property {string} creatorId
 * @property {string} creatorName
 * @property {string} imageUrl
 * @property {string[]} songIds
 * @property {boolean} isPublic
 * @property {boolean} isVisible
 * @property {string} createdAt
 * @property {string} updatedAt
 * @property {string[]} [collaboratorIds] for the creator and collaborators only
 *
 * @typedef {Album & { songs: Song[] }} AlbumWithSongs
 *
 * @typedef {object} SearchResult
 * @property {string} query
 * @property {Song[]} songs
 * @property {Album[]} albums
 * @property {Profile[]} artists
 * @property {Partial<Record<'songs' | 'albums' | 'artists', string>>} [corrected] by list, the corrected query
 * @property {string[]} [unavailable] services that did not respond in time
 *
 * @typedef {{ genre: string, count: number }} GenreCount
 * @typedef {{ song: Song, playedAt: string, completed: boolean, skipped: boolean }} HistoryEntry
 * @typedef {{ plays: number, completions: number, skips: number, listeners: number, likes: number }} Counts
 * @typedef {Counts & { songId: string, title: string }} SongCounts
 * @typedef {{ days: number, totals: Counts, songs: SongCounts[], perDay: { date: string, plays: number }[] }} Statistics
 * @typedef {{ token: string, path: string, expiresAt: string }} ShareLink
 *
 * @typedef {object} AuditEntry
 * @property {string} at
 * @property {string} actorId
 * @property {string} action
 * @property {string} targetId
 * @property {Record<string, unknown> | null} before
 * @property {Record<string, unknown> | null} after
 *
 * @typedef {object} Problem The body of every error: RFC 9457 with some members of the API's own.
 * @property {string} error
 * @property {string} code
 * @property {string} requestId
 * @property {{ field: string, message: string }[]} [errors]
 *
 * @typedef {object} ServiceHealth
 * @property {string} name
 * @property {'healthy' | 'unhealthy'} status
 * @property {Record<string, unknown>} [data]
 * @property {string} [error]
 *
 * @typedef {{ gateway: string, services: ServiceHealth[] }} Health
 */

/**
 * One page of a list; `next` is passed back as it is to get the page after it.
 * @template T
 * @typedef {{ items: T[], next: string | null, total: number | null, correctedQuery: string | null }} Page
 */

/**
 * Something with the version that it had; sent back as `ifMatch`, a change is refused when it is outdated.
 * @template T
 * @typedef {{ value: T, etag: string | null }} Versioned
 */

export {};
