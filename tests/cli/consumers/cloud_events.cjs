// Reads the events of a server with the CloudEvents SDK for JavaScript: all pages, then as many from a stream.
//
// Prints one line for each: how it came, its source, id, type, subject, time and data.
const { HTTP } = require("cloudevents");

const show = (way, event) => {
  event.validate();
  const { source, id, type, subject, time, data } = event;
  console.log(JSON.stringify({ way, source, id, type, subject, time, data }));
};

const pages = async (server) => {
  let url = "/events?limit=5";
  let count = 0;
  for (;;) {
    const answer = await fetch(server + url);
    const headers = Object.fromEntries(answer.headers);
    const events = HTTP.toEvent({ headers, body: await answer.text() });
    if (events.length === 0) return count;
    events.forEach((event) => show("page", event));
    count += events.length;
    url = /<(.*)>; rel="next"/.exec(answer.headers.get("link"))[1];
  }
};

const stream = async (server, count) => {
  const answer = await fetch(server + "/events", { headers: { accept: "text/event-stream" } });
  const headers = { "content-type": "application/cloudevents+json; charset=utf-8" };
  let text = "";
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop();
    for (const line of lines.filter((line) => line.startsWith("data: "))) {
      show("stream", HTTP.toEvent({ headers, body: line.slice("data: ".length) }));
      count -= 1;
      if (count === 0) process.exit(0);
    }
  }
};

pages(process.argv[2]).then((count) => stream(process.argv[2], count));
