/** A sheet to draw on with mouse, touch, pen or keys. */

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Sketch {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{paper: string, ink: string, pen: number}} style colours, and the pen's width in the canvas's pixels
   * @param {() => void} onChange called after each change of the picture
   */
  constructor(canvas, style, onChange) {
    this.canvas = canvas;
    this.style = style;
    this.onChange = onChange;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    this.place = { x: canvas.width / 2, y: canvas.height / 2 };
    this.down = false;
    canvas.tabIndex = 0;
    canvas.addEventListener("pointerdown", (event) => this.#touch(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.down = false));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    this.clear();
  }

  /** The picture as it is now. */
  get picture() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  clear() {
    this.context.fillStyle = this.style.paper;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.down = false;
    this.onChange();
  }

  /** @param {PointerEvent} event */
  #touch(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.down = true;
    this.place = this.#at(event);
    this.#line(this.place);
    this.onChange();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.down) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) this.#line(this.#at(each));
    this.onChange();
  }

  /** Arrow keys move the pen, the space bar lowers and lifts it, Delete clears. @param {KeyboardEvent} event */
  #key(event) {
    const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    if (step) {
      const stride = this.style.pen / 2;
      const to = { x: this.place.x + stride * step[0], y: this.place.y + stride * step[1] };
      if (this.down) this.#line(to);
      this.place = to;
    } else if (event.key === " ") {
      this.down = !this.down;
      if (this.down) this.#line(this.place);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
    this.onChange();
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / frame.width;
    return { x: (event.clientX - frame.left) * scale, y: (event.clientY - frame.top) * scale };
  }

  /** @param {{x: number, y: number}} to */
  #line(to) {
    const { context, place, style } = this;
    Object.assign(context, { strokeStyle: style.ink, lineWidth: style.pen, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(place.x, place.y);
    context.lineTo(to.x + 0.01, to.y); // a line of no length would not be drawn
    context.stroke();
    this.place = to;
  }
}

/**
 * The pixels of a picture file, upright.
 * @param {Blob} file
 */
export async function opened(file) {
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
