/** One peer of a region, as a node's `/status` tells it. */
export interface PeerReport {
  readonly id: number;
  readonly storeId: number;
  /** A `metapb.PeerRole`; a voter unless told. */
  readonly role?: number;
}

/** One region of a node. */
export interface RegionReport {
  readonly region: { readonly id: number; readonly peers: readonly PeerReport[] };
  /** Whom the node believes to lead; missing while it knows nobody. */
  readonly leader?: PeerReport;
  readonly term: number;
  readonly appliedIndex: number;
}

/** What a node says of itself over HTTP, as far as tests look at it. */
export interface NodeStatus {
  readonly phase: string;
  readonly store: { readonly id: number; readonly address: string };
  readonly regions: readonly RegionReport[];
}

/** A node with its place in the list of nodes. */
export interface ReportingNode {
  readonly node: number;
  readonly status: NodeStatus;
}

/**
 * The node by whose lead the most has been written, of the regions whose leader it is by the highest term that any node tells;
 * `undefined` when none leads.
 */
export function leadingNode(reports: readonly ReportingNode[]): number | undefined {
  const newest = new Map<number, { readonly term: number; readonly storeId: number; readonly written: number }>();
  for (const { region, leader, term, appliedIndex } of reports.flatMap(({ status }) => status.regions)) {
    if (leader === undefined) continue;
    if (term > (newest.get(region.id)?.term ?? -1)) {
      newest.set(region.id, { term, storeId: leader.storeId, written: appliedIndex });
    }
  }
  const claims = [...newest.values()];
  const led = ({ status }: ReportingNode) =>
    claims.filter(({ storeId }) => storeId === status.store.id).reduce((sum, { written }) => sum + written, 0);
  const [first] = reports.filter((report) => led(report) > 0).sort((a, b) => led(b) - led(a) || a.node - b.node);
  return first?.node;
}

/** Whether every region has `replicas` peers, all of them voters with data, and one leader whom they all know. */
export function isReplicated(reports: readonly ReportingNode[], replicas: number): boolean {
  const copiesOf = new Map<number, RegionReport[]>();
  for (const report of reports.flatMap(({ status }) => status.regions)) {
    const copies = copiesOf.get(report.region.id);
    if (copies === undefined) copiesOf.set(report.region.id, [report]);
    else copies.push(report);
  }
  return copiesOf.size > 0 && [...copiesOf.values()].every((copies) => isWhole(copies, replicas));
}

function isWhole(copies: readonly RegionReport[], replicas: number): boolean {
  const leaders = new Set(copies.map(({ leader }) => leader?.id));
  return (
    copies.length === replicas &&
    copies.every(({ region, appliedIndex }) => countVoters(region) === replicas && appliedIndex > 0) &&
    leaders.size === 1 &&
    !leaders.has(undefined)
  );
}

/** A replica that was just added is a learner, which counts for no quorum. */
function countVoters({ peers }: RegionReport['region']): number {
  return peers.filter(({ role }) => (role ?? 0) === 0).length;
}
