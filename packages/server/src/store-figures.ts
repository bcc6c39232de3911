import type { LatencySummary, StoreMetricsSnapshot } from '@flotilla/raftstore';

type FieldOf<Kind> = {
  [Field in keyof StoreMetricsSnapshot]: StoreMetricsSnapshot[Field] extends Kind ? Field : never;
}[keyof StoreMetricsSnapshot];

type NumberField = FieldOf<number>;
type GaugeField =
  | `${'raft' | 'store' | 'apply' | 'scheduler'}MailboxLength`
  | `snapshots${'Sending' | 'Receiving' | 'Applying'}`
  | 'diskFull'
  | 'pendingLogBytes'
  | 'applyQueueBytes'
  | 'hibernatingPeers';
/** Told otherwise: by region, by worker. */
type ToldElsewhere = 'peers' | 'leaders' | 'regionTasksPending';
/** A new field of the store's figures has to be described here. */
type CounterField = Exclude<NumberField, GaugeField | ToldElsewhere>;

/** A figure of a store: its field, its name in Prometheus and in `flotilla status --json`, and what it means. */
export interface StoreFigure<Field> {
  readonly field: Field;
  readonly name: string;
  readonly help: string;
}

/** What only grows. */
export const storeCounters: readonly StoreFigure<CounterField>[] = figures<CounterField>({
  proposals: 'Commands that were proposed.',
  refusedProposals: 'Commands that were refused before they reached the log.',
  reads: 'Read commands.',
  raftMessagesReceived: 'Raft messages from other stores.',
  raftMessagesSent: 'Raft messages to other stores.',
  raftMessagesDropped: 'Raft messages that no queue had room for.',
  snapshotsSent: 'Snapshots sent to other stores.',
  snapshotSendRetries: 'Transfers of snapshots that were tried again, with the same files.',
  snapshotsApplied: 'Snapshots taken in.',
  snapshotsDamaged: 'Received snapshots that were damaged; others were asked for.',
  snapshotBytesSent: 'Bytes of snapshots sent.',
  snapshotBytesReceived: 'Bytes of snapshots received.',
  logCompactions: 'Compactions of a raft log.',
  logBytes: 'Bytes written to raft logs.',
  logAppends: 'Appends of peers that synced writes held together.',
  appliedOperations: 'Operations applied to the data.',
  peerTicks: 'Ticks of single peers.',
  splits: 'Splits of regions that this store led.',
  campaigns: 'Times that peers began to ask for votes because they missed a leader.',
  electionsWon: 'Elections won by peers of this store.',
  slowWrites: 'Writes to a database that took too long.',
  consistencyChecks: 'Hashes of regions that were computed.',
  consistencyChecksSkipped: 'Hashes left out because too many were being computed.',
  inconsistencies: "Hashes that were not those of the region's leader.",
});

/** What goes up and down. */
export const storeGauges: readonly StoreFigure<GaugeField>[] = figures<GaugeField>({
  raftMailboxLength: 'Messages that wait for the raft worker.',
  storeMailboxLength: 'Messages that wait for the store worker.',
  applyMailboxLength: 'Messages that wait for the apply worker.',
  schedulerMailboxLength: 'Messages that wait for the scheduler worker.',
  pendingLogBytes: 'Bytes gathered behind the write of the raft database that is under way.',
  hibernatingPeers: 'Peers of regions that hibernate.',
  applyQueueBytes: 'Bytes of committed entries that wait to be applied.',
  diskFull: '1 while the store takes no writes because its disk has no room.',
  snapshotsSending: 'Snapshots being sent.',
  snapshotsReceiving: 'Snapshots being received.',
  snapshotsApplying: 'Snapshots being taken in.',
});

/** The stages that commands go through, and what they are made of. */
export const storeLatencies: readonly StoreFigure<FieldOf<LatencySummary>>[] = figures<FieldOf<LatencySummary>>({
  propose: "From a command's arrival at the store to its being taken from the mailbox.",
  append: 'From an append to the beginning of the write that holds it.',
  logWrite: 'Synced writes of the raft database.',
  commit: 'From the proposal of a command to its commit.',
  apply: 'From the commit of entries to their being applied and written.',
  applyWrite: 'Writes of the kv database.',
  proposeToApply: "From a command's arrival at its peer to its answer.",
  readLatency: "From a read's arrival at its peer to its answer.",
});

function figures<Field extends string>(helps: Readonly<Record<Field, string>>): readonly StoreFigure<Field>[] {
  return (Object.entries(helps) as [Field, string][]).map(([field, help]) => {
    // `raftMailboxLength` reads `raft_mailbox_length`, and a latency is told in seconds by its unit, not by its name.
    const name = field.replace(/Latency$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return { field, name, help };
  });
}
