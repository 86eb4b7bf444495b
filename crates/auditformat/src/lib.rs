//! Audit records in the formats that other programs read: JSON lines, CSV (RFC 4180), OCSF and CEF. Pure functions
//! from a record to a line. Not for finding records (that is `audit`) nor for sending them.
