// SPDX-License-Identifier: Apache-2.0

/** Meters of one region. Design limit: a ledger of that size still fits a hub's link; more meters are more regions. */
export const MAXIMUM_METERS = 5_000;

/** Strongest connection of a meter, W: 1 MW; a household's fuses allow 5 to 50 kW. */
export const MAXIMUM_CONNECTION_WATTS = 1_000_000;

/** Rows one meter may send in one reporting window (slots × places). London readings need at most 21. */
export const MAXIMUM_ROWS_PER_METER = 40;

/** Rows in all pages but the last: 500 × 177 B = 88.5 kB, well under Fabric's 1 MB message guideline with witnesses. */
export const ROWS_PER_PAGE = 500;

/** Rows of one interval: every meter of a full region sends all it may. */
export const MAXIMUM_ROWS = MAXIMUM_METERS * MAXIMUM_ROWS_PER_METER;

/** Pages of one interval; four digits in state keys hold them. */
export const MAXIMUM_PAGES = MAXIMUM_ROWS / ROWS_PER_PAGE;

/** Categories, fixed by the paper ("we split the consumption data into 5 categories"). */
export const CATEGORY_COUNT = 5;

/** Energy of one row or one reading, mWh: 1 GWh, more than any household's connection carries in a day. */
export const MAXIMUM_ENERGY_MILLIWATT_HOURS = 1_000_000_000_000n;

/** Price in nano-currency per kWh: 100,000 units a kWh, above every currency in use. */
export const MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR = 100_000_000_000_000n;

/** Points of a tariff: enough for any published tariff, and bounds the cost of a price check. */
export const MAXIMUM_TARIFF_POINTS = 16;

/** Seconds: year 9999, so that a start has at most 12 digits in state keys and no sum leaves 2^53. */
export const MAXIMUM_SECONDS = 253_402_300_799;

/**
 * Versions of a region's parameters: a new one every month for 21 years. A reader decodes the whole list before it can
 * trust any of it, so their number bounds what a hostile `parameters.json` costs.
 */
export const MAXIMUM_PARAMETER_VERSIONS = 256;

/** Depth of nesting in canonical JSON; the deepest own formats (`seals.json`, `parameters.json`) have seven levels. */
export const MAXIMUM_JSON_DEPTH = 8;

/** Bytes of one header: {@link MAXIMUM_PAGES} entries of at most 700 bytes and the interval's own fields. */
export const MAXIMUM_HEADER_BYTES = 720 * (MAXIMUM_PAGES + 1);

/** Bytes of one signed seal: 14 fields of at most 100 bytes and five histogram entries. */
export const MAXIMUM_SEAL_BYTES = 4_096;

/** Bytes of one signed version of the parameters: 16 tariff points of 90 bytes and about 2 kB of other fields. */
export const MAXIMUM_PARAMETERS_BYTES = 4_096;

/** Characters of an MSP id. */
export const MAXIMUM_MSP_ID_LENGTH = 64;

/** Bytes of one signed successor document: about 750 bytes of fields, and an MSP id of 128. */
export const MAXIMUM_SUCCESSOR_BYTES = 1_024;

/** Bytes of one signed registry root. */
export const MAXIMUM_REGISTRY_ROOT_BYTES = 1_024;

/** Bytes of one signed list of consumers: a key of 67 bytes for each meter's household, and 500 bytes of other fields. */
export const MAXIMUM_CONSUMER_LIST_BYTES = 67 * MAXIMUM_METERS + 500;

/** Bytes of `seals.json`: three ledgers of one interval. */
export const MAXIMUM_SEALS_FILE_BYTES = 3 * (MAXIMUM_HEADER_BYTES + MAXIMUM_SEAL_BYTES);

/** Bytes of `parameters.json`, 1.5 MiB: each version with two successor documents. */
export const MAXIMUM_PARAMETERS_FILE_BYTES =
  (MAXIMUM_PARAMETERS_BYTES + 2 * MAXIMUM_SUCCESSOR_BYTES) * MAXIMUM_PARAMETER_VERSIONS;
