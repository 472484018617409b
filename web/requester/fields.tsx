import { useId } from "preact/hooks";

interface FileFieldProps {
  readonly label: string;
  readonly accept: string;
  readonly isMany?: boolean;
  readonly onFiles: (files: readonly File[]) => Promise<void>;
}

export function FileField({ label, accept, isMany = false, onFiles }: FileFieldProps) {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="file"
        accept={accept}
        multiple={isMany}
        onChange={(event) => void onFiles([...(event.currentTarget.files ?? [])])}
      />
    </>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most?: number;
  readonly isWhole?: boolean;
  readonly onValue: (value: number) => void;
}

export function NumberField({ label, value, least, most, isWhole = true, onValue }: NumberFieldProps) {
  const id = useId();
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        class="short"
        type="number"
        min={least}
        max={most}
        step={isWhole ? 1 : "any"}
        value={value}
        onInput={(event) => {
          const number = Number(event.currentTarget.value);
          onValue(isWhole ? Math.trunc(number) : number);
        }}
      />
    </>
  );
}
