// A Flamenco job type: `python -m core fit-batch` in parts, each a task for any worker of the farm.
//
// Copy this file into the folder `scripts` beside flamenco-manager and restart that. Pictures,
// cameras, the output folder and this project's checkout have to be on storage that all workers
// see under the same path. A part that is stopped or done again goes on where it was.

const JOB_TYPE = {
  label: "MeshSDF: Fit Many Pictures",
  description: "Find the code and the mesh of each picture in a folder.",
  settings: [
    {
      key: "python", type: "string", required: true,
      description: "A Python with torch, numpy, scipy, scikit-image, safetensors, pillow, trimesh",
    },
    {
      key: "checkout", type: "string", subtype: "dir_path", required: true,
      description: "The folder of MeshSDF that holds the folder core",
    },
    {
      key: "space", type: "string", required: true, default: "heads",
      description: "A built-in space by name, a .safetensors file, or a DeepSDF experiment",
    },
    {
      key: "fits", type: "string", subtype: "dir_path", required: true,
      description: "A folder of pictures, or a JSON list of fits",
    },
    {
      key: "camera", type: "string", subtype: "file_path", required: false,
      description: "The camera of pictures that have none of their own",
    },
    {
      key: "out", type: "string", subtype: "dir_path", required: true,
      description: "The folder of codes and meshes",
    },
    {
      key: "parts", type: "int32", default: 8,
      description: "How many tasks: some for each worker",
    },
    {
      key: "processes", type: "int32", default: 1,
      description: "Fits at a time in one task: one for each core of a worker",
    },
    {
      key: "options", type: "string", required: false, default: "",
      description: "More options of fit-batch, with spaces between: --invert --resolution 96",
    },
  ],
};

function compileJob(job) {
  const settings = job.settings;
  if (settings.parts < 1) throw new Error("parts has to be 1 or more");
  const common = [
    "-m", "core", "fit-batch", settings.space, settings.fits,
    "--out", settings.out, "--processes", String(settings.processes),
  ];
  if (settings.camera) common.push("--camera", settings.camera);
  const more = (settings.options || "").split(" ").filter(word => word !== "");

  for (let part = 1; part <= settings.parts; part++) {
    const task = author.Task(`fits-${part}-of-${settings.parts}`, "misc");
    // `env` starts it with the checkout on Python's path, whatever the worker's own folder is.
    task.addCommand(author.Command("exec", {
      exe: "env",
      args: [`PYTHONPATH=${settings.checkout}`, settings.python]
        .concat(common, ["--part", `${part}/${settings.parts}`], more),
    }));
    job.addTask(task);
  }
}
