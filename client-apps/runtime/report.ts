// SPDX-License-Identifier: Apache-2.0

/** JSON of a report: counts, sums, addresses of the party itself. Amounts are decimal strings. */
export type ReportData = Readonly<Record<string, unknown>>;

/**
 * Reports the progress of a party to its parent process: counts only, nothing that identifies a meter. `ready` comes
 * first and carries the ports that were chosen.
 */
export type Report = (name: string, data: ReportData) => void;

/** IPC form of a report, to the process that started this one. */
export interface ReportMessage {
  readonly kind: 'report';
  readonly name: string;
  readonly data: ReportData;
}

/** Sends reports over the IPC channel, if there is one. */
export function ipcReport(port: { send?(message: unknown): boolean }): Report {
  return (name, data) => {
    port.send?.({ kind: 'report', name, data } satisfies ReportMessage);
  };
}
