declare module 'parse-prometheus-text-format' {
  export default function parsePrometheusTextFormat(
    text: string,
  ): readonly { readonly name: string; readonly help: string; readonly type: string }[];
}
