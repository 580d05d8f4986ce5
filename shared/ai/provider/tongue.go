package provider

import (
	"strings"
	"sync"

	"aksio.app/shared/ai"
	"aksio.app/shared/language"
)

// The languages that the offline model has words for.
var tongues = []*tongue{&english, &norwegian, &swedish, &danish, &german, &french, &spanish}

// tongue is what the offline model knows of a language.
type tongue struct {
	code    string
	stops   string // frequent words that say little
	nouns   string // words that stand before nouns
	persons string // of a speech or instructions: what "we" did or "your" screen shows is nothing to know by heart
	text    texts
}

// neutral speaks English about texts of whose language the model has no words.
var neutral = tongue{text: english.text}

// texts are the sentences that the offline model writes itself.
type texts struct {
	preface string // before the extracts of an answer
	nothing string // when none fits
	cloze   string // %s is a sentence with a gap
	which   string // %s is a description
	truth   string // %s is a statement
	instead string // %s is the right term
	hint    string // %d letters, %s the first
	about   string // %s is a heading
}

// wordLists are the words of all languages together. They are made on first
// use: most functions never need them.
type wordLists struct {
	stops, articles, leaning, pointing, midway, finite, general, everyday, labels, abbreviations, front map[string]bool

	nouns, persons map[string]map[string]bool // of each language: "I" is no preposition in English
}

var lists = sync.OnceValue(func() wordLists {
	words := func(list string) map[string]bool { return set(strings.Fields(list)) }
	l := wordLists{
		articles: words(articles), leaning: words(leaning), pointing: words(pointing), midway: words(midway),
		finite: words(finite), general: words(general), everyday: map[string]bool{}, labels: words(labels), abbreviations: words(abbreviations),
		front: words(front), nouns: map[string]map[string]bool{}, persons: map[string]map[string]bool{},
	}
	var stops string
	for _, t := range tongues {
		stops += " " + t.stops
		l.nouns[t.code], l.persons[t.code] = words(t.nouns), words(t.persons)
	}
	l.stops = words(stops)
	for _, word := range strings.Fields(everyday) {
		l.everyday[stem(word)], l.everyday[stem(word+"s")] = true, true
	}
	return l
})

// stopped reports whether the word says little about what a text is about.
func stopped(text string) bool { return lists().stops[strings.ToLower(text)] }

// tongueOf returns what the model knows of the language; neutral if that is nothing.
func tongueOf(code string) *tongue {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(code, "_", "-")), "-")
	if base == "nb" || base == "nn" {
		base = "no"
	}
	for _, t := range tongues {
		if t.code == base {
			return t
		}
	}
	return &neutral
}

// languageOf returns the language of the sources; "" if they don't tell.
func languageOf(sources []ai.Source) string {
	texts := make([]string, len(sources))
	for i, s := range sources {
		texts[i] = s.Text
	}
	return language.Of(texts...)
}

// leaning words start sentences that can't be understood without the one before.
const leaning = `
this that these those it its they them their he she his her him we our us i my you your such here there another both each also
however therefore thus hence then so but and or yet moreover furthermore instead consequently otherwise meanwhile similarly
nevertheless accordingly additionally besides likewise still again later earlier afterwards finally
let suppose assume consider see show prove note find give define write add save draw print compute calculate complete remember imagine try please use what how why which when where who
sei seien betrachte betrachten definieren definiere zeigen zeige beweise beweisen siehe wie was wo wer warum welche welcher gegeben angenommen rechts links oben unten beweis proof bevis
anta vis finn se hva hvordan hvorfor hvilke hvilken antag visa vad hur varför hvad lad
first second third next above below following former latter other others
diese dieser dieses diesem diesen dies das es er sie ihr ihre seine sein wir uns ich mein jene jener hier dort dabei dazu damit daher
deshalb also somit folglich jedoch aber und oder sondern denn doch außerdem zudem ferner dann danach dadurch solche solcher
den det de denne dette disse han hun hon dem deres sin sitt sine vi vår vårt oss jeg jag min mitt her der här där derfor därför
dermed därmed men og och eller også också imidlertid dog således så slik sådan sånn dessuten dessutom desuden videre vidare derefter därefter deretter
dessa denna hans hennes hendes deras vores
il elle ils elles cela ceci ces cet cette celui celle ceux nous vous mais donc ainsi puis alors cependant toutefois ensuite enfin voir montrer
él ella ellos ellas esto este esta estos estas eso ese esa esos esas aquel aquella nosotros pero así entonces luego además también véase`

// pointing words mean something that was said before.
const pointing = `this these diese dieser dieses diesem diesen dette disse denne detta dessa denna ce cet cette ces este esta estos estas ese esa esos esas`

// articles stand before nouns only: a word before them is no noun.
const articles = `the a an le la les un une el los las una`

// finite are verbs of which a sentence without capitals must have one: titles have none.
const finite = `are is was were be been has have had can may must will should does do did ist sind war hat haben wird er har kan var`

// midway words begin no sentence: in a text without capitals, one that begins with
// them is the rest of one.
const midway = `are is was were be been has have had and or but of to which that who than due into onto`

const abbreviations = `
dr mr mrs ms maj gen col lt capt sgt gov sen rep jan feb mar apr jun jul aug sept sep oct nov dec prof st fig figs eq eqs sec ch vol no nos pp vs etc cf approx al e.g i.e e.g. i.e. inc corp ltd co jr sr u.s u.k a.m p.m
z.b d.h u.a u.ä usw bzw vgl ca evtl ggf nr abb tab kap s.o s.u sog inkl max min def bsp bem
f.eks dvs osv bl.a pga iht kl kap jf mv ev t.ex bl.a o.s.v d.v.s m.m s.k t.o.m fig tab ex resp mfl m.fl`

// front words are about a text as a work, not about its subject.
const front = `
copyright copyrighted isbn cc-by cc-by-sa acknowledgements acknowledgments acknowledgement preface foreword vorwort danksagung impressum
forord förord vorlesung vorlesungen lecture lectures forelesning forelesningen föreläsning forelæsning bibliography bibliografie skript skripts skriptum literaturverzeichnis inhaltsverzeichnis innholdsfortegnelse innehållsförteckning`

// general words are frequent in study material of any subject, and no terms; titles
// stand before names.
const general = `
default note notes instance order look click thank thanks slide slides
mrs prof professor professors phd msc bsc univ herr herrn hrn dipl ing habil
example examples figure figures table tables chapter section page pages part parts case cases result results way number numbers kind kinds
type types form forms time times year years day days people person work works author authors fact point points different same similar able
available possible important significant common specific certain new high low higher lower greater smaller total respectively following
based associated related compared addition association observation majority vast presence absence use range set group
list term terms name names word words issue issues question questions answer reason place state level levels million millions billion percent
billions trillion hundred hundreds thousand thousands dozen dozens tens want wants need needs suggest suggests suggested indicate indicates remember agree believes
exemple ejemplo siguiente siguientes veuillez beispiel abbildung tabelle kapitel abschnitt seite teil fall ergebnis zahl art form zeit jahr jahre tag definition satz bemerkung beobachtung hinweis anmerkung beweis lemma
eksempel figur tabell kapittel del tilfelle resultat tall slag tid år dag exempel fall sida`

// everyday words are terms only together with others: what alone belongs into their gap
// nobody can know.
const everyday = `
ability access account action activity addition advance advantage age agency agreement aim air amount analysis angle answer application approach area arm army
aspect assembly assumption attack attempt attention author back balance bank base basis beginning behavior behaviour benefit bill block board body book border
box branch brother building business call calculation campaign capacity card care career case cause center centre century challenge chance change character
characteristic charge chart child children choice city claim class client code collection column combination command comment committee commission community
company comparison component concept conclusion condition conference connection consequence construction contact content context contract contrast contribution
control cost council count country couple course court culture customer cycle daily damage data date daughter day deal death decade decision decline decrease
degree demand department description design detail determination development device difference difficulty direction director discovery discussion display distance
distribution district division document door doubt duty earth edge editor effect effort element end ending energy engine entry environment equipment error estimate
evaluation event evidence examination excess exchange existence expansion expense experience experiment explanation expression extension extent eye face
factor failure fall family father feature field file film final fire floor focus food foot force friend front function fund future game generation goal good
government governor ground growth guide half hand head health heart height help history holder home hope host hour house idea image impact implementation importance
impression improvement income increase indication industry influence information injury input inside instruction instrument interest interpretation interview
introduction investigation item job journal judge key kingdom knowledge lack land language law lead leader league length letter library life light limit line
link list loan location loss machine magazine main majority maker man management manager manner manual map margin mark market marriage material matter
maximum means measure measurement media meeting member memory message method middle mind minimum minister minute mission mistake model moment money month
morning mother motion mountain movement music nation nature network news night north note number object objective office officer official operation operator
opinion opportunity option order organization origin outcome output owner package parent parameter park participant party past path pattern peace percentage
performance period permission phase picture place plan plane plant play player point policy population position possibility post power practice presentation president press
pressure price principle problem procedure process product production profit program programme progress project property proportion proposal protection provider
public publication publisher purpose quality quantity race range rate ratio reader reading reason receipt record reduction reference region relation relationship release
report representation request requirement research resident resolution resource respect response responsibility restriction result return revenue review right
risk river road role room route rule run sale sample scale scene schedule scheme school science scientist screen search season seat secretary sector security selection
sense sequence series service session setting setup shape share sheet ship shop shot show side sign signal significance site situation size skill society solution
song sound source south space speech speed staff stage standard star start statement station status step stock stop story strategy street strength structure student
study style subject success suggestion sum summer support supply surface survey system table target task teacher team technique technology television tendency test
text thanks theory thing thought title tonight tool top total tour town track trade tradition training transfer transformation transition treatment tree trend trial trip
trouble truth turn unit update usage user value variety vehicle version victory video view village visit visitor voice volume wall war water weather web weight west
wife window winner winter woman women wood worker world writer writing
black white wealthy chamber union lives girl girls boy husband timing repair lie dream local crime
absicht aktion anfang angabe anwendung arbeit aufgabe aufbau auswahl bedeutung bedingung begriff beginn behauptung bereich bericht betrachtung beziehung bild buch
daten datum ding einheit eigenschaft element ende entscheidung entwicklung erde erfahrung ergebnis erklärung fakt familie fehler folge formel frage fragen freund funktion
gegenstand geschichte gesellschaft gleichung größe grund gruppe hand hauptsache haus hilfe idee information inhalt interesse jahrhundert kind klasse konstruktion kosten land leben
lehrer leute liste lösung menge mensch menschen methode mittel moment monat möglichkeit name nutzen objekt ordnung ort paar person plan platz praxis problem produkt projekt prozess punkt
qualität quelle rahmen raum regel reihe reihenfolge richtung rolle sache schritt schule seite sinn situation skript spiel sprache staat stadt stelle struktur stück
student stunde system tatsache text thema überlegung umfang unterschied ursache verfahren vergleich verhältnis versuch voraussetzung vorgang vorstellung wahl wasser weg welt werk wert wesen
wirkung woche wort ziel zusammenhang zustand zweck
arbeid arbete betydning bruk bruker bruger dag del effekt eksempel familie feil felt fil forbindelse forhold forskjell forskel forslag fråga gang gruppe grupp historie
informasjon information innhold indhold innehåll land linje liste lista løsning menneske metode metod måte måde mulighet mulighed navn namn område område oppgave ord ordning
periode person plan problem program prosess prosjekt punkt rekke rekkefølge retning side sida sida språk spørsmål standard sted sted ställe størrelse system tabell tekst text tid tidspunkt
tilfelle tillegg type utvikling utveckling valg verdi värdi värde verden vei virkning visning år årsak årsag
action affichage aide ajout année argent avantage base besoin bout cadre caractère cas cause champ changement chemin choix chose classe code commande communauté compte condition
configuration contenu contexte contrôle côté cours création date début défaut demande description détail développement différence document domaine donnée durée effet élément ensemble
entreprise erreur espace état étape étude exécution exemple existence façon fichier fin fonction fonctionnalité force forme gens gestion groupe guerre heure histoire homme idée
image information installation jour langue lecture ligne limite liste logiciel lieu main maison manière message mesure mise mode modèle moment monde mot moyen nature niveau nom nombre
objet occasion opération option ordre origine outil page pays paquet parole partie période personne place plan point position possibilité problème procédure processus production produit
programme projet propriété qualité question raison rapport réponse réseau résolution résultat rôle série service situation société solution sorte source structure suite sujet
système tableau taille technique temps terme tête texte titre traitement travail type utilisateur utilisation valeur version vie ville vue
acción año archivo área ayuda base cambio camino campo cantidad capacidad característica caso causa ciudad clase código condición configuración contenido control cosa creación
cuenta cuestión dato decisión desarrollo descripción detalle día diferencia dirección documento efecto ejemplo elección elemento entorno error espacio estado estructura estudio
familia fecha fichero fin forma función gente grupo guerra hecho historia hombre hora idea imagen información instalación interés lado lengua línea lista lugar manera mano medida medio
mensaje método modo momento mujer mundo nivel nombre número objetivo objeto opción operación orden origen página país palabra paquete parte paso persona plan posibilidad posición
preferencia problema proceso producto programa proyecto pueblo punto razón red registro relación respuesta resultado ruta sentido serie servicio situación sistema sociedad
solución tabla tamaño tarea tema texto tiempo tipo título trabajo usuario valor versión vez vida vista`

// labels number the parts of a text.
const labels = `
page seite sida side chapter kapitel section abschnitt avsnitt definition theorem lemma corollary proposition remark example exercise figure table note fig tab
satz bemerkung beispiel korollar folgerung aufgabe abbildung tabelle abb behauptung
definisjon setning teorem eksempel oppgave figur tabell korollar merknad sats exempel théorème lemme chapitre exemple exercice tableau teorema capítulo ejemplo ejercicio figura tabla sección página uppgift anmärkning følgeslutning opgave sætning`
