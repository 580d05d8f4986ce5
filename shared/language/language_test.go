package language_test

import (
	"strings"
	"testing"

	"aksio.app/shared/language"
)

// articles is the first article of the Universal Declaration of Human Rights, in
// the official translations.
var articles = map[string]string{
	"en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
	"no": "Alle mennesker er født frie og med samme menneskeverd og menneskerettigheter. De er utstyrt med fornuft og samvittighet og bør handle mot hverandre i brorskapets ånd.",
	"de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
	"fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
	"ca": "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de consciència, i han de comportar-se fraternalment els uns amb els altres.",
	"zh": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
	"ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
	"ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
	"th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
}

func TestTextsTellTheirLanguage(t *testing.T) {
	t.Parallel()
	for want, article := range articles {
		if got := language.Of(article); got != want {
			t.Errorf("got %q, want %q of %.40q", got, want, article)
		}
		// A technical text uses names of another script.
		if got := language.Of("HTTP", "TCP/IP", article, "Kubernetes"); got != want {
			t.Errorf("with names in it: got %q, want %q", got, want)
		}
	}
	for _, text := range []string{"", "12 34 56", "The end", "Fotosynteza i oddychanie są procesami i zachodzą w komórkach i tkankach",
		"De i de i de i", "Hola de la luz", strings.Repeat("lorem dolor amet ", 50)} {
		if got := language.Of(text); got != "" {
			t.Errorf("%.20q: got %q, want that it can't be told", text, got)
		}
	}
}

func TestQuestionsTellTheirLanguage(t *testing.T) {
	t.Parallel()
	for question, want := range map[string]string{
		"What is photosynthesis?":    "en",
		"Hva er fotosyntese?":        "no",
		"Vad är fotosyntes?":         "sv",
		"Hvad er fotosyntese?":       "da",
		"Was ist Photosynthese?":     "de",
		"Qu'est-ce que la lumière ?": "fr",
		"¿Qué es la luz?":            "es",
		"什么是光合作用？":                   "zh",
		"光合成とは何ですか？":                 "ja",
		"Photosynthese?":             "",
		"Svetlost i voda?":           "", // one word of Danish, Norwegian and Swedish
		"Det er en celle?":           "", // as Danish as it is Norwegian
	} {
		if got := language.Guess(question); got != want {
			t.Errorf("%s: got %q, want %q", question, got, want)
		}
	}
}
