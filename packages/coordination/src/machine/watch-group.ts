import { etcdserverpb, mvccpb, Writer } from '@flotilla/protocol';
import type { MachineReader } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import { isInTextRange, type TextRange, textOf, textRangeOf } from './key-index.ts';
import type { MvccStore } from './mvcc-store.ts';
import { headerOf } from './range-read.ts';
import type { HistoryEvent } from './recent-history.ts';
import { parseRecordKey, type RecordPlace, revisionKey } from './record-key.ts';
import type { WatchSubscription } from './watch-subscription.ts';

/** Changes of interest, up to `next`; without `bytes` there were none. */
export interface WatchPiece {
  readonly bytes: Uint8Array | undefined;
  readonly next: RecordPlace;
}

/** What the groups share. */
export interface WatchSource {
  readonly store: () => MvccStore;
  readonly reader: MachineReader;
  readonly pieceBytes: number;
}

const { WatchCreateRequestFilterType: FilterType } = etcdserverpb;
/** Pieces that are kept for other subscriptions of the group. */
const keptPieces = 8;
/** Changes of others that one read of old history passes over, at the most. */
const maxScannedRecords = 10_000;
const eventsTag = (11 << 3) | 2;

/** What tells requests apart whose subscriptions cannot share pieces. */
export function groupNameOf(request: etcdserverpb.WatchCreateRequest): string {
  const { filters, prevKv, fragment } = request;
  const flags = `${filters.includes(FilterType.NOPUT)},${filters.includes(FilterType.NODELETE)},${prevKv},${fragment}`;
  return `${flags},${request.key.length},${textOf(request.key)}${textOf(request.rangeEnd)}`;
}

/**
 * The subscriptions with the same request but for where they begin. A piece is made once for all of them that are at the same
 * place, and those that have nothing to read wait here, each with no more than a promise.
 */
export class WatchGroup {
  readonly name: string;
  readonly range: TextRange;
  readonly #source: WatchSource;
  readonly #request: etcdserverpb.WatchCreateRequest;
  readonly #pieces = new Map<string, WatchPiece>();
  readonly waiting = new Set<WatchSubscription>();
  /** Subscriptions that are open. */
  size = 0;

  constructor(request: etcdserverpb.WatchCreateRequest, source: WatchSource) {
    this.name = groupNameOf(request);
    this.range = textRangeOf(request.key, request.rangeEnd);
    this.#request = request;
    this.#source = source;
  }

  /** Whether the event is of interest, its key being so. */
  wants(event: HistoryEvent): boolean {
    return !this.#request.filters.includes(event.version.version === 0 ? FilterType.NODELETE : FilterType.NOPUT);
  }

  /** A revision has something of interest: wakes the subscriptions that wait, there being nothing for them before it. */
  wake(revision: number): void {
    for (const subscription of this.waiting) subscription.wake(revision);
  }

  /** Forgets the pieces that were made: once their time is over, or when the data are replaced. */
  forgetPieces(): void {
    this.#pieces.clear();
  }

  /** The next piece from a place that is not compacted; a promise only when it has to be read from the database. */
  pieceFrom(place: RecordPlace): WatchPiece | Promise<WatchPiece> {
    const name = `${place.revision},${place.sub}`;
    const kept = this.#pieces.get(name);
    if (kept !== undefined) return kept;
    if (place.revision < this.#source.store().recent.firstRevision) {
      return this.#oldPiece(place).then((piece) => this.#keep(name, piece));
    }
    return this.#keep(name, this.#recentPiece(place));
  }

  #keep(name: string, piece: WatchPiece): WatchPiece {
    if (piece.bytes === undefined) return piece;
    const [oldest] = this.#pieces.keys();
    if (this.#pieces.size >= keptPieces && oldest !== undefined) this.#pieces.delete(oldest);
    this.#pieces.set(name, piece);
    return piece;
  }

  #recentPiece(place: RecordPlace): WatchPiece {
    const { recent } = this.#source.store();
    const draft = new PieceDraft(place, this.#source.pieceBytes, this.#request.fragment);
    for (let revision = place.revision; revision <= recent.lastRevision; revision += 1) {
      for (const event of recent.get(revision).events) {
        if (revision === place.revision && event.version.sub < place.sub) continue;
        const isWanted = isInTextRange(event.key, this.range) && this.wants(event);
        if (isWanted && !draft.add(event.version, this.#encode(event))) return draft.finish(undefined);
      }
    }
    return draft.finish(recent.lastRevision + 1);
  }

  /** Reads records up to the revisions that are in memory, or until the piece is full. */
  async #oldPiece(place: RecordPlace): Promise<WatchPiece> {
    const draft = new PieceDraft(place, this.#source.pieceBytes, this.#request.fragment);
    const end = this.#source.store().recent.firstRevision;
    let scanned = 0;
    let last: RecordPlace = { revision: place.revision, sub: place.sub - 1 };
    const range = { start: revisionKey(place), end: revisionKey({ revision: end, sub: 0 }) };
    for await (const pairs of this.#source.reader.iterate(range)) {
      for (const { key, value } of pairs) {
        const parsed = parseRecordKey(key);
        if (parsed?.type !== 'revision') continue;
        this.#checkFollows(last, parsed);
        if (scanned >= maxScannedRecords && parsed.revision > last.revision) return draft.finish(parsed.revision);
        scanned += 1;
        last = parsed;
        const event = this.#oldEvent(parsed, value);
        if (event !== undefined && !draft.add(parsed, this.#encode(event))) return draft.finish(undefined);
      }
    }
    this.#checkFollows(last, { revision: end, sub: 0 });
    return draft.finish(end);
  }

  /**
   * Makes sure that nothing is missing, as it would be while a snapshot replaces the data; what is missing because it was
   * purged is no loss to anybody.
   *
   * @throws {InvariantError} when something is.
   */
  #checkFollows(last: RecordPlace, next: RecordPlace): void {
    const follows =
      next.revision === last.revision
        ? next.sub === last.sub + 1
        : next.revision === last.revision + 1 && next.sub === 0;
    assert(follows || next.revision <= this.#source.store().compactRevision, 'the history has a gap', { last, next });
  }

  #oldEvent(place: RecordPlace, record: Uint8Array): HistoryEvent | undefined {
    const kv = mvccpb.KeyValue.decode(record);
    const key = textOf(kv.key);
    if (!isInTextRange(key, this.range)) return undefined;
    const history = this.#source.store().index.get(key);
    const version = {
      ...place,
      createRevision: Number(kv.createRevision),
      version: Number(kv.version),
      lease: kv.lease,
      record,
    };
    const event = { key, version, previous: history?.before(place) };
    return this.wants(event) ? event : undefined;
  }

  #encode(event: HistoryEvent): Uint8Array {
    const store = this.#source.store();
    const { version, previous } = event;
    const writer = Writer.create();
    if (version.version === 0) writer.uint32(8).int32(mvccpb.EventEventType.DELETE);
    writer.uint32(18).bytes(store.recordOf(version));
    // Before a compacted revision nobody can tell what was there, purged or not.
    const isKnown = version.revision > store.compactRevision;
    if (this.#request.prevKv && isKnown && previous !== undefined && previous.version > 0) {
      writer.uint32(26).bytes(store.recordOf(previous));
    }
    return writer.finish();
  }
}

/** A piece that is being filled: whole revisions, or a part of one if that may be. */
class PieceDraft {
  readonly #start: RecordPlace;
  readonly #maxBytes: number;
  readonly #mayCut: boolean;
  readonly #events: { readonly place: RecordPlace; readonly bytes: Uint8Array }[] = [];
  #bytes = 0;
  /** Where the last revision begins among the events, and before it how many events there are. */
  #wholeEvents = 0;
  #overflow: RecordPlace | undefined;

  constructor(start: RecordPlace, maxBytes: number, mayCut: boolean) {
    this.#start = start;
    this.#maxBytes = maxBytes;
    this.#mayCut = mayCut;
  }

  /** Adds an event; false when it is not in the piece, and the piece is full. */
  add(place: RecordPlace, bytes: Uint8Array): boolean {
    const previous = this.#events.at(-1);
    const isNewRevision = previous !== undefined && previous.place.revision !== place.revision;
    if (isNewRevision) this.#wholeEvents = this.#events.length;
    const isFull = previous !== undefined && this.#bytes + bytes.length > this.#maxBytes;
    if (isFull && (isNewRevision || this.#wholeEvents > 0 || this.#mayCut)) {
      this.#overflow = place;
      return false;
    }
    this.#events.push({ place, bytes });
    this.#bytes += bytes.length;
    return true;
  }

  /** The piece, which has everything before the revision `end`, or, when it is full, what could be taken in. */
  finish(end: number | undefined): WatchPiece {
    const overflow = this.#overflow;
    if (overflow === undefined) {
      return this.#render(this.#events.length, { revision: end ?? this.#start.revision, sub: 0 }, false);
    }
    const isCut = this.#wholeEvents === 0 && this.#events[0]?.place.revision === overflow.revision;
    if (isCut) return this.#render(this.#events.length, overflow, true);
    const isWhole = this.#events.at(-1)?.place.revision !== overflow.revision;
    const count = isWhole ? this.#events.length : this.#wholeEvents;
    return this.#render(count, { revision: overflow.revision, sub: 0 }, false);
  }

  #render(count: number, next: RecordPlace, isFragment: boolean): WatchPiece {
    if (count === 0) return { bytes: undefined, next };
    const head = etcdserverpb.WatchResponse.create({ header: headerOf(next.revision - 1), fragment: isFragment });
    const writer = etcdserverpb.WatchResponse.encodeTo(head, Writer.create());
    for (const { bytes } of this.#events.slice(0, count)) writer.uint32(eventsTag).bytes(bytes);
    return { bytes: writer.finish(), next };
  }
}
