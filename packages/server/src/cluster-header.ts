import { Metadata } from '@grpc/grpc-js';
import { RequestError } from './request-error.ts';

/** The request header in which a caller names its cluster, as a decimal number. */
const clusterIdHeader = 'flotilla-cluster-id';

/** Request headers that name the caller's cluster. */
export function clusterHeaders(clusterId: number): Metadata {
  const headers = new Metadata();
  headers.set(clusterIdHeader, String(clusterId));
  return headers;
}

/**
 * Refuses a caller that means another cluster, as happens when an address is used again; naming none is accepted.
 *
 * @throws {RequestError} with code `failedPrecondition`.
 */
export function checkCluster(headers: Metadata, clusterId: number): void {
  const named = headers.get(clusterIdHeader)[0]?.toString();
  if (named !== undefined && named !== String(clusterId)) {
    throw new RequestError('failedPrecondition', `cluster: the caller means cluster ${named}, this is ${clusterId}`);
  }
}
