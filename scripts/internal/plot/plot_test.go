package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func TestAxes(t *testing.T) {
	t.Parallel()
	labels := func(a Axis) string {
		var all []string
		for _, tick := range a.Ticks {
			if tick.Label != "" {
				all = append(all, tick.Label)
			}
		}
		return strings.Join(all, " ")
	}
	for _, tc := range []struct {
		name string
		axis Axis
		want string
	}{
		{"linear", Linear(0, 36), "0 5 10 15 20 25 30 35"},
		{"linear, small", Linear(0, 0.5), "0 0.1 0.2 0.3 0.4 0.5"},
		{"linear, not from zero", Linear(30, 70), "30 40 50 60 70"},
		{"linear, of nothing", Linear(0, 0), "0 0.2 0.4 0.6 0.8 1"},
		{"times", Milliseconds(1.4, 4000), "1 ms 10 ms 100 ms 1 s 10 s"},
		{"times, one decade", Milliseconds(10, 10), "10 ms 100 ms"},
		{"times, none", Milliseconds(math.Inf(1), 0), "1 ms 10 ms"},
		{"clock", Clock(7*time.Hour, 9*time.Hour+30*time.Minute), "07:00 08:00 09:00"},
		{"clock, after midnight", Clock(23*time.Hour, 25*time.Hour), "23:00 00:00 01:00"},
		{"names", Names([]string{"a", "b"}), "a b"},
	} {
		if got := labels(tc.axis); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	for _, tc := range []struct {
		axis  Axis
		value float64
		want  float64
	}{
		{Linear(0, 10), 2.5, 0.25}, {Linear(0, 10), 20, 1}, {Linear(0, 10), -1, 0},
		{Milliseconds(1, 100), 10, 0.5}, {Milliseconds(1, 100), 0, 0},
	} {
		if got := tc.axis.part(tc.value); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%g is at %g of the axis, want %g", tc.value, got, tc.want)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		100 * time.Microsecond: "0.1 ms", 1500 * time.Microsecond: "1.5 ms", 3 * time.Millisecond: "3 ms", 250 * time.Millisecond: "250 ms",
		time.Second: "1 s", 2500 * time.Millisecond: "2.5 s", 90 * time.Second: "90 s", 30 * time.Minute: "30 min", 3 * time.Hour: "3.0 h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestPictureIsXMLAndHoldsEverything(t *testing.T) {
	t.Parallel()
	p := &Panel{Title: "a < b & c", X: Linear(0, 10), Y: Milliseconds(1, 100)}
	points := []Point{{0, 1}, {5, 10}, {math.NaN(), math.NaN()}, {10, 100}}
	p.Area(points[:2], Sky)
	p.Line(points, Blue, 1)
	p.Dots(points[:2], 2, Black)
	p.Crosses(points[:1], Red)
	p.Bar(2, 4, 10, 8, Green)
	p.Upright(5, "here", 0)
	p.Upright(6, "there", 1)
	p.Within(5, 10, White, "inside")
	p.Beside(10, 100, "behind")
	c := New(200, 100, "what it shows")
	c.Legend(0, 10, Key{"blue", Blue, Stroke}, Key{"dots", Blue, Dotted}, Key{"sky", Sky, Field}, Key{"failed", Red, Cross}, Key{Name: "words"})
	c.Draw(p, 0, 0, 200, 100, Margins{20, 20, 20, 20})
	svg := c.SVG()
	elements := map[string]int{}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
	if elements["svg"] != 1 || elements["circle"] != 2 || elements["rect"] != 3 {
		t.Errorf("got %v, want a picture with two dots, a bar, a key's field and a background", elements)
	}
	// The frame is 160 by 60 points; the middle of both axes is in its middle. The line breaks at the hole.
	for _, want := range []string{`d="M20.0 80.0L100.0 50.0M180.0 20.0"`, ">here<", `x="100.0" y="53.5" font-size="10" text-anchor="middle" fill="#fff">inside<`, `x="186.0" y="23.5" font-size="10" text-anchor="start" fill="#222">behind<`, ">a &lt; b &amp; c<", ">words<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("there is no %s in\n%s", want, svg)
		}
	}
	if dashed, words := strings.LastIndex(svg, "stroke-dasharray=\"3 2\""), strings.Index(svg, ">here<"); words < dashed {
		t.Error("a line crosses the words beside another")
	}
	if strings.Contains(svg, "NaN") {
		t.Error("a hole is drawn")
	}
}
