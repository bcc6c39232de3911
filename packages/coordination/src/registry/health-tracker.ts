import { HealthStatus } from './service-info.ts';

/** How many results in a row it takes to change one's mind. */
export interface HealthThresholds {
  readonly unhealthyAfterFailures: number;
  readonly healthyAfterSuccesses: number;
}

/** Makes a status of the results of checks. The first result decides alone; later, several in a row have to agree. */
export class HealthTracker {
  readonly #thresholds: HealthThresholds;
  #status: HealthStatus;
  /** Results in a row that contradict the status. */
  #against = 0;

  constructor(thresholds: HealthThresholds, status: HealthStatus = HealthStatus.Unknown) {
    this.#thresholds = thresholds;
    this.#status = status;
  }

  get status(): HealthStatus {
    return this.#status;
  }

  /** Takes a result; returns the status after it. */
  record(isWell: boolean): HealthStatus {
    const found = isWell ? HealthStatus.Healthy : HealthStatus.Unhealthy;
    if (this.#status === found) {
      this.#against = 0;
      return found;
    }
    const { unhealthyAfterFailures, healthyAfterSuccesses } = this.#thresholds;
    this.#against += 1;
    const isKnown = this.#status === HealthStatus.Healthy || this.#status === HealthStatus.Unhealthy;
    if (isKnown && this.#against < (isWell ? healthyAfterSuccesses : unhealthyAfterFailures)) return this.#status;
    this.#status = found;
    this.#against = 0;
    return found;
  }
}
