/** What draws charts: a global of `/static/vega.js`. */
declare function vegaEmbed(place: Element, spec: object, options: object): Promise<{ view: any }>;
