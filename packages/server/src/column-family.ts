import { RequestError } from './request-error.ts';

const columnFamilies = ['default', 'write', 'lock'] as const;

/** A column family of the data key space. */
export type ColumnFamily = (typeof columnFamilies)[number];

/**
 * The column family that a request names; none means `default`.
 *
 * @throws {RequestError} with code `invalidArgument` for a name that is not one.
 */
export function resolveColumnFamily(name: string): ColumnFamily {
  if (name === '') return 'default';
  const found = columnFamilies.find((family) => family === name);
  if (found === undefined) {
    throw new RequestError(
      'invalidArgument',
      `cf: unknown column family; one of ${columnFamilies.join(', ')} is meant`,
    );
  }
  return found;
}
