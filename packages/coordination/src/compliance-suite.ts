import { callCompliance } from './compliance/call-compliance.ts';
import type { ComplianceCase } from './compliance/compliance-fixture.ts';
import { leaseCompliance } from './compliance/lease-compliance.ts';
import { rangeCompliance } from './compliance/range-compliance.ts';
import { transactionCompliance } from './compliance/transaction-compliance.ts';
import { watchCompliance } from './compliance/watch-compliance.ts';
import { writeCompliance } from './compliance/write-compliance.ts';

export type { ComplianceCase, ComplianceHarness } from './compliance/compliance-fixture.ts';

/** What every implementation of `CoordinationBackend` is held to, by part. Independent of any test runner. */
export const coordinationCompliance: Readonly<Record<string, readonly ComplianceCase[]>> = {
  reads: rangeCompliance,
  writes: writeCompliance,
  transactions: transactionCompliance,
  leases: leaseCompliance,
  watches: watchCompliance,
  calls: callCompliance,
};
