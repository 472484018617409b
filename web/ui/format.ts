import { currentLanguage } from "./i18n";

const TOKEN_DECIMALS = 18;
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

const formats = new Map<string, Intl.NumberFormat>();

/** Made once each: on a phone that costs far more than the formatting, and a page is drawn many times. */
function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const name = currentLanguage() + JSON.stringify(options);
  const format = formats.get(name) ?? new Intl.NumberFormat(currentLanguage(), options);
  formats.set(name, format);
  return format;
}

export function formatNumber(value: number | bigint, options: Intl.NumberFormatOptions = {}): string {
  return numberFormat(options).format(value);
}

/** Token base units as tokens, exact up to six decimals, then marked as rounded. */
export function formatTokens(baseUnits: string | bigint, decimals = TOKEN_DECIMALS): string {
  const amount = BigInt(baseUnits);
  const unit = 10n ** BigInt(decimals);
  const whole = amount / unit;
  const millionths = ((amount < 0n ? -amount : amount) % unit) / (unit / 1_000_000n);
  const text = `${amount < 0n && whole === 0n ? "-" : ""}${whole}.${String(millionths).padStart(6, "0")}`;
  return numberFormat({ maximumFractionDigits: 6 }).format(text as Intl.StringNumericLiteral);
}

export function formatBytes(bytes: number): string {
  const [unit, size] = bytes >= 1e6 ? ["megabyte", 1e6] : bytes >= 1e3 ? ["kilobyte", 1e3] : ["byte", 1];
  return formatNumber(bytes / Number(size), { style: "unit", unit: String(unit), maximumFractionDigits: 1 });
}

export function formatSeconds(seconds: number): string {
  const [unit, size] = seconds < 1 ? ["millisecond", 0.001] : seconds < 120 ? ["second", 1] : ["minute", 60];
  return formatNumber(seconds / Number(size), { style: "unit", unit: String(unit), maximumFractionDigits: 1 });
}

export function formatTime(unixSeconds: number): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "medium" }).format(
    unixSeconds * 1000,
  );
}

/** "3 minutes ago", "in 2 hours". */
export function formatRelative(unixSeconds: number, nowSeconds = Date.now() / 1000): string {
  const difference = unixSeconds - nowSeconds;
  const [unit, size] = UNITS.find(([, seconds]) => Math.abs(difference) >= seconds) ?? (["second", 1] as const);
  return new Intl.RelativeTimeFormat(currentLanguage(), { numeric: "auto" }).format(
    Math.round(difference / size),
    unit,
  );
}

/** The first and last characters of a long name. */
export function shorten(text: string): string {
  return text.length > 20 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
}
