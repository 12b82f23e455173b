// Words in three languages. English stands in the page, too, so that it reads before a script runs.
import { $$ } from './dom.js';

const LOCALES = { en: 'en', pt: 'pt-BR', es: 'es' };
let language = 'en';

// key: [English, Português (Brasil), Español]
const WORDS = {
  skip: ['Skip to content', 'Ir para o conteúdo', 'Ir al contenido'],
  main: ['Main', 'Principal', 'Principal'],
  language: ['Language', 'Idioma', 'Idioma'],
  theme: ['Theme', 'Tema', 'Tema'],
  'theme.auto': ['As the system', 'Como o sistema', 'Como el sistema'],
  'theme.light': ['Light', 'Claro', 'Claro'],
  'theme.dark': ['Dark', 'Escuro', 'Oscuro'],
  register: ['Register User', 'Cadastrar pessoa', 'Registrar persona'],
  'register.s': ['Register', 'Cadastro', 'Registro'],
  'register.sub': ['Three clear photos give the surest answers later. Only a sealed template is kept, never the photo.', 'Três fotos nítidas dão respostas mais seguras depois. Só um modelo selado é guardado, nunca a foto.', 'Tres fotos nítidas dan respuestas más seguras después. Solo se guarda una plantilla sellada, nunca la foto.'],
  search: ['Search / Verify', 'Buscar / Verificar', 'Buscar / Verificar'],
  'search.s': ['Search', 'Buscar', 'Buscar'],
  'search.sub': ['Every face in the photo gets its own answer.', 'Cada rosto da foto recebe a sua resposta.', 'Cada rostro de la foto recibe su respuesta.'],
  list: ['Registered List', 'Lista de cadastrados', 'Lista de registrados'],
  'list.s': ['List', 'Lista', 'Lista'],
  family: ['Family Resemblance', 'Semelhança familiar', 'Parecido familiar'],
  'family.s': ['Family', 'Família', 'Familia'],
  'family.sub': ['How much a child’s face resembles each parent’s. A curiosity, not a proof of kinship.', 'Quanto o rosto de uma criança lembra o de cada um dos pais. Uma curiosidade, não uma prova de parentesco.', 'Cuánto se parece el rostro de un hijo al de cada uno de sus padres. Una curiosidad, no una prueba de parentesco.'],
  'family.three': ['Three photos are needed', 'São necessárias três fotos', 'Se necesitan tres fotos'],
  ready: ['Ready', 'Pronto', 'Listo'],
  loading: ['Loading models', 'Carregando modelos', 'Cargando modelos'],
  'loading.sub': ['You can prepare photos now. Answers start in a moment.', 'Você já pode preparar as fotos. As respostas começam em instantes.', 'Ya puede preparar las fotos. Las respuestas empiezan en un momento.'],
  noserver: ['No answer', 'Sem resposta', 'Sin respuesta'],
  'people.one': ['{n} person enrolled', '{n} pessoa cadastrada', '{n} persona registrada'],
  'people.n': ['{n} people enrolled', '{n} pessoas cadastradas', '{n} personas registradas'],
  people: ['Registered people', 'Pessoas cadastradas', 'Personas registradas'],
  take: ['Take Photo', 'Tirar foto', 'Tomar foto'],
  upload: ['Upload photos', 'Enviar fotos', 'Subir fotos'],
  upload1: ['Upload a photo', 'Enviar uma foto', 'Subir una foto'],
  'drop.photo': ['Drop a photo here', 'Solte uma foto aqui', 'Suelte una foto aquí'],
  'drop.kinds': ['JPEG, PNG, WebP, HEIC or AVIF', 'JPEG, PNG, WebP, HEIC ou AVIF', 'JPEG, PNG, WebP, HEIC o AVIF'],
  'cam.off': ['Take a photo, or drop photos here', 'Tire uma foto ou solte fotos aqui', 'Tome una foto o suelte fotos aquí'],
  'cam.http': ['The camera needs a secure address', 'A câmera precisa de um endereço seguro', 'La cámara necesita una dirección segura'],
  'cam.http.sub': ['This page came over plain HTTP, so the browser keeps the camera off. Photos can still be uploaded.', 'Esta página veio por HTTP simples, por isso o navegador mantém a câmera desligada. Ainda é possível enviar fotos.', 'Esta página llegó por HTTP simple, por eso el navegador mantiene apagada la cámara. Aún puede subir fotos.'],
  'cam.denied': ['The browser was told to keep the camera off', 'O navegador foi instruído a manter a câmera desligada', 'Se indicó al navegador que mantenga apagada la cámara'],
  'cam.none': ['No camera could be turned on', 'Nenhuma câmera pôde ser ligada', 'No se pudo encender ninguna cámara'],
  'cam.sub': ['Photos can still be uploaded.', 'Ainda é possível enviar fotos.', 'Aún puede subir fotos.'],
  nopreview: ['This browser cannot show the photo', 'Este navegador não consegue mostrar a foto', 'Este navegador no puede mostrar la foto'],
  'nopreview.sub': ['The server can read it all the same.', 'O servidor consegue lê-la mesmo assim.', 'El servidor puede leerla igualmente.'],
  photos: ['Photos', 'Fotos', 'Fotos'],
  'shots.none': ['Up to 6', 'Até 6', 'Hasta 6'],
  'shots.good': ['{good} of {all} good', '{good} de {all} boas', '{good} de {all} buenas'],
  'shot.n': ['Photo {n}', 'Foto {n}', 'Foto {n}'],
  'shot.remove': ['Remove photo {n}', 'Remover foto {n}', 'Quitar foto {n}'],
  'shot.wait': ['Looking', 'Olhando', 'Mirando'],
  'shot.good': ['Good', 'Boa', 'Buena'],
  'shot.bad': ['Not readable', 'Ilegível', 'No se puede leer'],
  'hint.closer': ['Come a little closer', 'Chegue um pouco mais perto', 'Acérquese un poco más'],
  'hint.light': ['More light on the face', 'Mais luz no rosto', 'Más luz en el rostro'],
  'hint.one': ['One person at a time', 'Uma pessoa de cada vez', 'Una persona a la vez'],
  'hint.ahead': ['Look at the camera', 'Olhe para a câmera', 'Mire a la cámara'],
  'hint.blur': ['Blurred: hold still', 'Borrada: não se mexa', 'Borrosa: no se mueva'],
  'hint.still': ['Good. Hold still', 'Ótimo. Não se mexa', 'Bien. No se mueva'],
  name: ['Full Name', 'Nome completo', 'Nombre completo'],
  ssn: ['SSN / ID Number', 'CPF / Número de identificação', 'Número de identificación'],
  'ssn.help': ['Unique in this collection.', 'Único nesta coleção.', 'Único en esta colección.'],
  consent: ['This person agrees to be recognized here.', 'Esta pessoa concorda em ser reconhecida aqui.', 'Esta persona acepta ser reconocida aquí.'],
  'consent.help': ['The text and the time are stored with the record.', 'O texto e a hora são guardados com o registro.', 'El texto y la hora se guardan con el registro.'],
  finalize: ['Finalize Registration', 'Concluir cadastro', 'Finalizar registro'],
  reset: ['Reset Form', 'Limpar formulário', 'Vaciar formulario'],
  stored: ['Stored: name, ID, consent, a sealed template and estimates of age, gender and ethnicity. Photos are dropped once this form is done.', 'Guardados: nome, identificação, consentimento, um modelo selado e estimativas de idade, gênero e etnia. As fotos são descartadas ao concluir.', 'Se guardan: nombre, identificación, consentimiento, una plantilla sellada y estimaciones de edad, género y etnia. Las fotos se descartan al terminar.'],
  need: ['Something is missing', 'Falta algo', 'Falta algo'],
  'need.name': ['Type the name.', 'Digite o nome.', 'Escriba el nombre.'],
  'need.id': ['Type the ID number.', 'Digite o número de identificação.', 'Escriba el número de identificación.'],
  'need.photo': ['Take or upload a photo.', 'Tire ou envie uma foto.', 'Tome o suba una foto.'],
  'need.consent': ['Ask for the person’s consent and tick the box.', 'Peça o consentimento da pessoa e marque a caixa.', 'Pida el consentimiento de la persona y marque la casilla.'],
  done: ['Registered', 'Cadastro concluído', 'Registro completo'],
  'done.sub': ['{name} can be found from now on. Templates: {n}.', '{name} já pode ser encontrada. Modelos: {n}.', '{name} ya se puede encontrar. Plantillas: {n}.'],
  dup: ['Possibly registered already', 'Talvez já cadastrada', 'Quizá ya registrada'],
  'dup.sub': ['This face matches a person under another ID.', 'Este rosto corresponde a uma pessoa com outra identificação.', 'Este rostro coincide con una persona de otra identificación.'],
  'dup.diff': ['Different people: register anyway', 'Pessoas diferentes: cadastrar assim mesmo', 'Personas distintas: registrar igualmente'],
  cancel: ['Cancel', 'Cancelar', 'Cancelar'],
  searchdb: ['Search Database', 'Buscar no banco', 'Buscar en la base'],
  searched: ['{n} people in {ms} ms', '{n} pessoas em {ms} ms', '{n} personas en {ms} ms'],
  answer: ['Answer', 'Resposta', 'Respuesta'],
  result: ['Result', 'Resultado', 'Resultado'],
  faces: ['Faces in this photo', 'Rostos nesta foto', 'Rostros en esta foto'],
  facefound: ['Face found', 'Rosto encontrado', 'Rostro encontrado'],
  'face.n': ['Face {n}', 'Rosto {n}', 'Rostro {n}'],
  noface: ['No face found', 'Nenhum rosto encontrado', 'No se encontró ningún rostro'],
  'noface.sub': ['Take a photo where the face is larger and well lit.', 'Tire uma foto em que o rosto esteja maior e bem iluminado.', 'Tome una foto donde el rostro sea más grande y esté bien iluminado.'],
  'v.same': ['Same person', 'Mesma pessoa', 'Misma persona'],
  'v.same.sub': ['The face and the record agree.', 'O rosto e o registro coincidem.', 'El rostro y el registro coinciden.'],
  'v.unsure': ['Cannot tell', 'Não dá para saber', 'No se puede saber'],
  'v.unsure.sub': ['Alike, but not enough. A sharper photo from the front would settle it.', 'Parecido, mas não o bastante. Uma foto mais nítida, de frente, resolveria.', 'Se parece, pero no lo bastante. Una foto más nítida y de frente lo aclararía.'],
  'v.none': ['Not enrolled', 'Não cadastrada', 'No registrada'],
  'v.none.sub': ['Unknown person. Nobody among {n} is close enough.', 'Pessoa desconhecida. Ninguém entre {n} é parecido o bastante.', 'Persona desconocida. Nadie entre {n} se parece lo suficiente.'],
  similarity: ['Similarity', 'Semelhança', 'Parecido'],
  'k.cut': ['match from', 'mesma a partir de', 'misma desde'],
  'k.diff': ['Different', 'Diferentes', 'Distintas'],
  odds: ['Chance of a false match', 'Chance de falsa identificação', 'Probabilidad de falsa coincidencia'],
  'odds.in': ['1 in {n}', '1 em {n}', '1 en {n}'],
  'odds.under': ['under {odds}', 'menos de {odds}', 'menos de {odds}'],
  'odds.gallery': ['For two different people. That a stranger reaches this score with anyone of {people}: {odds}.', 'Para duas pessoas diferentes. Que um desconhecido alcance isto com alguém entre {people}: {odds}.', 'Para dos personas distintas. Que un desconocido alcance esto con alguien entre {people}: {odds}.'],
  others: ['Next closest', 'Mais próximos', 'Más cercanos'],
  refresh: ['Refresh List', 'Atualizar lista', 'Actualizar lista'],
  q: ['Name or ID', 'Nome ou identificação', 'Nombre o identificación'],
  id: ['ID', 'Identificação', 'Identificación'],
  since: ['Since', 'Desde', 'Desde'],
  back: ['Back', 'Anterior', 'Anterior'],
  next: ['Next', 'Próxima', 'Siguiente'],
  range: ['{from} to {to} of {all}', '{from} a {to} de {all}', '{from} a {to} de {all}'],
  'list.empty': ['Nobody is registered yet', 'Ninguém cadastrado ainda', 'Aún no hay nadie registrado'],
  'list.empty.sub': ['Start with one person at the camera.', 'Comece com uma pessoa na câmera.', 'Empiece con una persona ante la cámara.'],
  nohit: ['Nobody of that name or ID', 'Ninguém com esse nome ou identificação', 'Nadie con ese nombre o identificación'],
  'nohit.sub': ['Any part of a name or ID is searched.', 'Qualquer parte do nome ou da identificação é buscada.', 'Se busca cualquier parte del nombre o de la identificación.'],
  delete: ['Delete', 'Excluir', 'Eliminar'],
  'delete.n': ['Delete {name}', 'Excluir {name}', 'Eliminar a {name}'],
  'delete.q': ['Delete {name}?', 'Excluir {name}?', '¿Eliminar a {name}?'],
  'delete.sub': ['Name, ID, consent and templates are erased from the disk, not only hidden. This cannot be undone.', 'Nome, identificação, consentimento e modelos são apagados do disco, não apenas ocultados. Não há como desfazer.', 'Nombre, identificación, consentimiento y plantillas se borran del disco, no solo se ocultan. No se puede deshacer.'],
  deleted: ['{name} was deleted', '{name} foi excluída', 'Se eliminó a {name}'],
  father: ['Father', 'Pai', 'Padre'],
  mother: ['Mother', 'Mãe', 'Madre'],
  child: ['Child', 'Filho ou filha', 'Hijo o hija'],
  calc: ['Calculate Resemblance', 'Calcular semelhança', 'Calcular parecido'],
  'r.father': ['Resemblance to father', 'Semelhança com o pai', 'Parecido con el padre'],
  'r.mother': ['Resemblance to mother', 'Semelhança com a mãe', 'Parecido con la madre'],
  login: ['Log in', 'Entrar', 'Entrar'],
  'login.password': ['Admin password', 'Senha do administrador', 'Contraseña del administrador'],
  'login.code': ['One-time code, where it is asked for', 'Código de uso único, onde for pedido', 'Código de un solo uso, donde se pida'],
  'login.wrong': ['The password or the code is wrong', 'A senha ou o código está errado', 'La contraseña o el código es incorrecto'],
  'error.unauthorized': ['A login is needed', 'É preciso entrar', 'Hay que entrar'],
  'error.forbidden': ['This is not allowed', 'Isto não é permitido', 'Esto no está permitido'],
  'error.offline': ['The server does not answer. Nothing was lost.', 'O servidor não responde. Nada se perdeu.', 'El servidor no responde. No se perdió nada.'],
  'error.no_face': ['No face found', 'Nenhum rosto encontrado', 'No se encontró ningún rostro'],
  'error.several_faces': ['Several faces in one photo. Take a photo with one person.', 'Vários rostos em uma foto. Tire uma foto com uma só pessoa.', 'Varios rostros en una foto. Tome una foto con una sola persona.'],
  'error.low_quality': ['The photo is not good enough to register', 'A foto não é boa o bastante para o cadastro', 'La foto no es lo bastante buena para el registro'],
  'error.exists': ['This ID is registered already', 'Esta identificação já está cadastrada', 'Esta identificación ya está registrada'],
  'error.bad_image': ['The photo is damaged or empty', 'A foto está danificada ou vazia', 'La foto está dañada o vacía'],
  'error.unsupported_image': ['This file is not a photo that can be read', 'Este arquivo não é uma foto que possa ser lida', 'Este archivo no es una foto que se pueda leer'],
  'error.image_too_large': ['The photo is too large', 'A foto é grande demais', 'La foto es demasiado grande'],
  'error.too_large': ['The photo is too large', 'A foto é grande demais', 'La foto es demasiado grande'],
  'error.busy': ['The server is busy. Try again in a moment.', 'O servidor está ocupado. Tente de novo em instantes.', 'El servidor está ocupado. Inténtelo de nuevo en un momento.'],
  'error.model': ['The models could not be loaded', 'Os modelos não puderam ser carregados', 'No se pudieron cargar los modelos'],
  'error.disk_full': ['The server’s disk is full. Nothing was changed.', 'O disco do servidor está cheio. Nada mudou.', 'El disco del servidor está lleno. No se cambió nada.'],
};

const ORDER = Object.keys(LOCALES);
export const languages = () => ORDER;
export const has = (key) => Object.hasOwn(WORDS, key);

export function choose(wanted) {
  language = ORDER.includes(wanted) ? wanted : 'en';
  document.documentElement.lang = LOCALES[language];
}

/** The words for a key, with {places} filled in. */
export function t(key, values = {}) {
  return WORDS[key][ORDER.indexOf(language)].replace(/\{(\w+)\}/gu, (_, name) => String(values[name]));
}

export const number = (value) => new Intl.NumberFormat(LOCALES[language]).format(value);
export const day = (iso) => new Intl.DateTimeFormat(LOCALES[language], { dateStyle: 'medium' }).format(new Date(iso));

/** Puts the language's words into what stands in the page: data-t (text), data-label (aria-label), data-p (placeholder). */
export function translatePage() {
  for (const node of $$('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of $$('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
  for (const node of $$('[data-p]')) node.placeholder = t(node.dataset.p);
}
