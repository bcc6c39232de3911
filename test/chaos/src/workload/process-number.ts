/** The process of a history that scans registers, and those behind it: one for each register of a scan. */
export const registerScanner = 1_000;
/** The process that reads sets. */
export const setReader = 2_000;
/** The patient reader's processes: one for each read that waits. */
export const patientReader = 3_000;
/** The processes from here on read everything once more in the end. */
export const finalProcess = 10_000;
