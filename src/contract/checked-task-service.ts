import { badInput } from './failure.ts';
import { characterNotInXml, parametersProblem, type XmlProblem } from './parameters.ts';
import type { TaskService } from './task-service.ts';

export interface TaskChecks {
  readonly xmlProblem: XmlProblem;
  /** True when the request is written as XML, which cannot carry every character. */
  readonly travelsAsXml: boolean;
}

/** A task service that refuses Parameters which do not parse as their ContentType before anything is sent or stored. */
export function checkedTaskService(inner: TaskService, { xmlProblem, travelsAsXml }: TaskChecks): TaskService {
  return {
    ...inner,
    async create(task, call) {
      const problem = parametersProblem(task.Parameters, task.ContentType, xmlProblem);
      if (problem) throw badInput('parameters', problem);
      const character = travelsAsXml ? characterNotInXml(task.Parameters) : null;
      if (character) throw badInput('parameters', `holds ${character}, which XML 1.0 cannot carry`);
      return inner.create(task, call);
    },
  };
}
