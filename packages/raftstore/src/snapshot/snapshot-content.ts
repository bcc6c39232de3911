import { type eraftpb, type metapb, raft_serverpb } from '@flotilla/protocol';

/** What a snapshot holds, as its message tells. */
export interface SnapshotContent {
  readonly region: metapb.Region;
  readonly meta: raft_serverpb.SnapshotMeta;
}

/** The content of a `MsgSnapshot`; `undefined` when the message carries none that can be read. */
export function readSnapshotContent(message: eraftpb.Message): SnapshotContent | undefined {
  const metadata = message.snapshot?.metadata;
  if (message.snapshot === undefined || metadata === undefined || metadata.index === 0) return undefined;
  return decodeSnapshotContent(message.snapshot.data);
}

/** The content of a snapshot's data. */
export function decodeSnapshotContent(data: Uint8Array): SnapshotContent | undefined {
  try {
    const { region, meta } = raft_serverpb.RaftSnapshotData.decode(data);
    return region === undefined || meta === undefined ? undefined : { region, meta };
  } catch {
    // Bytes from the network that are no snapshot: the sender is told, by the refusal, to make another.
    return undefined;
  }
}
